/** What agents with protocol 3 send: ids, acknowledged results, instances. */
import type { Player } from '../../../testing/script';
import { beat, close, drop, receive, st, still } from '../../../testing/script';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { Case } from './sequence';
import { quiet } from './sequence';

/** Protocol 3: what this project's agent says. */
const three = { protocol: 3, instance: 'before', running: null, finished: [] };
const status3 = (operation: OperationId, more: Record<string, unknown>) => (player: Player) =>
  player.send('status', { command: operation, command_id: player.ids.get(operation), last_seq: 0, ...more });
/** It was taken up: sent at once by an agent of protocol 3. */
const started3 = (operation: OperationId) => (player: Player) =>
  player.send('started', { command_id: player.ids.get(operation) });
const dial3 =
  (operation: OperationId, more: { instance?: string; runs?: boolean; finished?: boolean }) => (player: Player) => {
    const command_id = player.ids.get(operation) ?? '';
    return player.dial({
      ...three,
      instance: more.instance ?? 'before',
      running: more.runs ? { command_id, command: operation, pid: 7 } : null,
      finished: more.finished ? [command_id] : [],
    });
  };

export const PROTOCOL_3: Case[] = [
  {
    name: 'a switch: its result, the acknowledgement, the restart',
    operation: 'switch',
    register: three,
    script: [
      receive('switch'),
      status3('switch', { status: 'ok', exit_code: 0, restarting: true }),
      beat(),
      still('switch'),
      close(1000),
      dial3('switch', { instance: 'after' }),
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'a result produced while the connection was down',
    operation: 'test',
    register: three,
    script: [
      receive('test'),
      drop,
      dial3('test', { finished: true }),
      beat(),
      beat(),
      still('test'),
      status3('test', { status: 'error', exit_code: 4 }),
      quiet,
    ],
    ends: { outcome: 'failed', reason: 'exit code 4' },
  },
  {
    name: 'a command that its agent still runs when it is back',
    operation: 'test',
    register: three,
    script: [
      receive('test'),
      drop,
      dial3('test', { runs: true }),
      still('test'),
      status3('test', { status: 'ok', exit_code: 0 }),
      quiet,
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'a command whose agent died before it ended',
    operation: 'test',
    register: three,
    script: [receive('test'), drop, dial3('test', { instance: 'after' })],
    ends: { outcome: 'lost' },
  },
  {
    name: 'a switch whose agent was killed, without the result: the host is asked',
    operation: 'switch',
    register: three,
    script: [
      receive('switch'),
      started3('switch'),
      drop,
      dial3('switch', { instance: 'after' }),
      receive('refresh-system'),
      st('ok', 'refresh-system', 0, 'outdated'),
    ],
    ends: { outcome: 'failed', reason: 'still needs a rebuild' },
  },
  {
    name: 'a switch that its agent reports as never started is lost, and the state of the host does not decide',
    operation: 'switch',
    register: three,
    script: [receive('switch'), drop, dial3('switch', { instance: 'after' })],
    ends: { outcome: 'lost', reason: 'does not know the command' },
  },
  {
    name: 'a connection that only dropped is no restart',
    operation: 'restart',
    register: three,
    script: [
      receive('restart'),
      drop,
      dial3('restart', {}),
      still('restart'),
      close(1000),
      dial3('restart', { instance: 'after' }),
    ],
    ends: { outcome: 'succeeded' },
  },
];
