/** How commands of an agent with protocol 3 end: ids, acknowledged results, instances. */
import { EVIDENCE_MS } from '../../commands/command-step';
import {
  beat,
  close,
  dial,
  dial3,
  drop,
  ended,
  later,
  lines3,
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
import { AGENT_CAPABILITIES, CONFIRM, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';

/** Its switches are not confirmed: that has cases of its own. */
const WITH_ROOT_HELPER = [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES].filter((name) => name !== CONFIRM);
const THIS_AGENT = '/nix/store/b-nixfleet-agent-4.1.0';
const OTHER_AGENT = '/nix/store/a-nixfleet-agent';
/** Fields that older agents do not send. */
const WITHOUT_NAMES = { capabilities: undefined };
const WITHOUT_IDS = { protocol: undefined, instance: undefined, running: undefined, finished: undefined };
const AT_NEXT_BOOT = 'Only a restart can activate this system. It takes effect at the next boot';

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
    name: 'it replaces the agent, and the next one goes on with it',
    operation: 'switch',
    register: { capabilities: WITH_ROOT_HELPER },
    steps: [
      receive('switch'),
      started3('switch'),
      lines3('switch', [1, 'activating the configuration...']),
      drop,
      dial3({ instance: 'after', runs: 'switch' }, { capabilities: WITH_ROOT_HELPER }),
      // It reads the output of the activation again from its beginning.
      lines3('switch', [1, 'activating the configuration...'], [2, 'setting up /etc...']),
      st3('switch', { status: 'ok', exit_code: 0, restarting: false, last_seq: 2 }),
      quiet,
    ],
    ends: { outcome: 'succeeded', exitCode: 0 },
  },
  ...[
    { agent: 'of 4.0.0', back: dial3({ instance: 'older' }, { ...WITHOUT_NAMES, store_path: OTHER_AGENT }) },
    { agent: 'in Go', back: dial({ ...WITHOUT_NAMES, ...WITHOUT_IDS, store_path: OTHER_AGENT }) },
  ].flatMap(({ agent, back: returns }): EndCase[] => {
    const begun = [receive('switch'), started3('switch'), drop, returns, beat(), beat()];
    return [
      {
        name: `its activation goes on when an agent ${agent} comes back, which knows nothing of it`,
        operation: 'switch',
        register: { capabilities: WITH_ROOT_HELPER, store_path: THIS_AGENT },
        steps: begun,
        ends: { outcome: 'lost', reason: 'does not support activations by nixfleet-root' },
      },
      {
        name: `its result arrives with the agent that began it, after an agent ${agent} was there`,
        operation: 'switch',
        register: { capabilities: WITH_ROOT_HELPER, store_path: THIS_AGENT },
        steps: [
          ...begun,
          ended('switch'),
          drop,
          dial3({ instance: 'newer', runs: 'switch' }, { capabilities: WITH_ROOT_HELPER, store_path: THIS_AGENT }),
          st3('switch', { status: 'ok', exit_code: 0, restarting: false }),
          beat(),
        ],
        ends: { outcome: 'succeeded', reason: 'The result arrived after' },
      },
    ];
  }),
  {
    name: 'only a restart of the host can activate the system',
    operation: 'switch',
    register: { capabilities: WITH_ROOT_HELPER },
    steps: [
      receive('switch'),
      started3('switch'),
      st3('switch', { status: 'warning', exit_code: 100, restarting: false, message: AT_NEXT_BOOT }),
      quiet,
    ],
    ends: { outcome: 'partial', reason: 'It takes effect at the next boot.', exitCode: 100 },
  },
  {
    name: 'the boot default is set',
    operation: 'boot',
    register: { capabilities: WITH_ROOT_HELPER },
    steps: [
      receive('boot'),
      started3('boot'),
      st3('boot', { status: 'ok', exit_code: 0, restarting: false, message: 'Takes effect at the next boot' }),
      quiet,
    ],
    ends: { outcome: 'succeeded', reason: 'Takes effect at the next boot.' },
  },
  {
    name: 'the boot entry can’t be written',
    operation: 'boot',
    register: { capabilities: WITH_ROOT_HELPER },
    steps: [
      receive('boot'),
      started3('boot'),
      st3('boot', { status: 'error', exit_code: 1, message: 'No space left on device' }),
      quiet,
    ],
    ends: { outcome: 'failed', reason: 'No space left on device', exitCode: 1 },
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
    steps: [receive('test'), lines3('test', [1, 'ok 1']), drop, dial3({ instance: 'after' })],
    ends: { outcome: 'lost', reason: 'no result arrived' },
    notes: ['The agent restarted here: output that it had not sent is missing.'],
  },
  {
    name: 'the agent was killed after it had kept the result: the last lines are gone with it',
    operation: 'test',
    steps: [
      receive('test'),
      lines3('test', [1, 'ok 1']),
      drop,
      dial3({ instance: 'after', kept: 'test' }),
      st3('test', { status: 'ok', exit_code: 0, last_seq: 4 }),
      quiet,
      st3('test', { status: 'ok', exit_code: 0, last_seq: 4 }),
    ],
    ends: { outcome: 'succeeded' },
    notes: ['3 lines are missing here.'],
  },
  {
    name: 'lines that the agent had to drop are missing in the middle',
    operation: 'test',
    steps: [
      receive('test'),
      lines3('test', [1, 'ok 1'], [4, 'ok 4']),
      st3('test', { status: 'ok', exit_code: 0, last_seq: 4 }),
      quiet,
    ],
    ends: { outcome: 'succeeded' },
    notes: ['2 lines are missing here.'],
  },
  {
    name: 'a connection that broke loses no output: the agent sends it again',
    operation: 'test',
    steps: [
      receive('test'),
      lines3('test', [1, 'ok 1']),
      drop,
      dial3({ runs: 'test' }),
      lines3('test', [1, 'ok 1'], [2, 'ok 2']),
      st3('test', { status: 'ok', exit_code: 0, last_seq: 2 }),
      quiet,
    ],
    ends: { outcome: 'succeeded' },
    notes: [],
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
    name: 'the policy of the host refuses it',
    operation: 'switch',
    steps: [
      receive('switch'),
      st3('switch', {
        status: 'error',
        exit_code: 77,
        refused: 'branch',
        restarting: false,
        message: 'Refused by the host: the commit 3c9a808 is not on the branch main of the remote',
      }),
      quiet,
    ],
    ends: { outcome: 'refused', exitCode: 77, reason: 'is not on the branch main of the remote.' },
  },
  {
    name: 'the policy of the host refuses it, and the host stays up',
    operation: 'reboot',
    steps: [
      receive('reboot'),
      st3('reboot', { status: 'error', exit_code: 77, refused: 'operation', restarting: false, message: '' }),
      quiet,
    ],
    ends: { outcome: 'refused', reason: 'The policy of the host does not accept this operation.' },
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
  register: { ...PROTOCOL_3, binary_hash: 'old', ...one.register },
}));
