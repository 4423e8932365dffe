/** How commands of an agent with protocol 3 end: ids, acknowledged results, instances. */
import { EVIDENCE_MS } from '../../commands/command-step';
import {
  beat,
  close,
  dial3,
  drop,
  later,
  phase,
  PROTOCOL_3,
  quiet,
  receive,
  st,
  st3,
  started3,
  still,
  type EndCase,
} from './end-case';

const cases: readonly EndCase[] = [
  {
    name: 'its result, the acknowledgement, the restart',
    operation: 'switch',
    steps: [
      receive('switch'),
      st3('switch', { status: 'ok', exit_code: 0, restarting: true }),
      beat(),
      phase('switch', 'awaiting-reconnect'),
      close(1000),
      dial3({ instance: 'after' }),
    ],
    ends: { outcome: 'succeeded', exitCode: 0 },
  },
  {
    name: 'the agent announces no restart',
    operation: 'switch',
    steps: [
      receive('switch'),
      st3('switch', { status: 'ok', exit_code: 0, restarting: false }),
      phase('switch', 'verifying'),
      quiet,
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'a result produced while the connection was down',
    operation: 'test',
    steps: [
      receive('test'),
      drop,
      dial3({ kept: 'test' }),
      beat(),
      beat(),
      still('test'),
      st3('test', { status: 'error', exit_code: 4 }),
      quiet,
    ],
    ends: { outcome: 'failed', reason: 'exit code 4' },
  },
  {
    name: 'an announced result that never arrives',
    operation: 'pull',
    steps: [receive('pull'), drop, dial3({ kept: 'pull' }), beat(), later(EVIDENCE_MS)],
    ends: { outcome: 'lost', reason: 'without a result' },
  },
  {
    name: 'the agent that comes back still runs it',
    operation: 'switch',
    steps: [
      receive('switch'),
      drop,
      dial3({ runs: 'switch' }),
      phase('switch', 'running'),
      st3('switch', { status: 'ok', exit_code: 0, restarting: true }),
      close(1000),
      dial3({ instance: 'after' }),
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'the agent died before it ended',
    operation: 'test',
    steps: [receive('test'), started3('test'), drop, dial3({ instance: 'after' })],
    ends: { outcome: 'lost', reason: 'no result arrived' },
  },
  {
    name: 'the agent was killed, without a result: the host is asked',
    operation: 'switch',
    steps: [
      receive('switch'),
      started3('switch'),
      drop,
      dial3({ instance: 'after' }),
      receive('refresh-system'),
      st('ok', 'refresh-system', 0, 'outdated'),
    ],
    ends: { outcome: 'failed', reason: 'still needs a rebuild' },
  },
  {
    name: 'the agent reports that it never started: lost, and the state of the host does not decide',
    operation: 'switch',
    steps: [receive('switch'), drop, dial3({ instance: 'after' }, { binary_hash: 'new' })],
    ends: { outcome: 'lost', reason: 'does not know the command' },
  },
];

export const PROTOCOL_3_ENDS: readonly EndCase[] = cases.map((one) => ({
  ...one,
  register: { ...PROTOCOL_3, binary_hash: 'old' },
}));
