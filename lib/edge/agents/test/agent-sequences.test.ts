/**
 * What agents send for each command, as seen on the wire, and its oddities, played over real sockets to the real
 * gateway, fleet and database: how each command ends, and that the host is free afterwards.
 */
import { afterEach, describe, expect, it } from 'vitest';
import {
  answer,
  ask,
  beat,
  close,
  dial,
  drop,
  ended,
  receive,
  intrude,
  later,
  op,
  out,
  Player,
  send,
  st,
  still,
  type Expected,
  type Script,
} from '../../testing/script';
import type { OperationId } from '@/lib/protocol/operation-ids';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

interface Case {
  name: string;
  operation: OperationId;
  script: Script;
  ends: Expected;
  /** How the other requested operations end. */
  others?: Partial<Record<OperationId, Expected>>;
  /** What the agent registers with, beside its name. */
  register?: Record<string, unknown>;
}

/** After an idle command's status the agent is asked for a heartbeat, and gives it. */
const quiet = answer();
const legacyTail = (goal: string) => [
  out(''),
  out('📊 Post-validation…'),
  out('🟢 Lock: Updated today'),
  out(''),
  out(goal),
];
const restarted = [close(1000), dial()];

const PULL: Case[] = [
  {
    name: 'isolated',
    operation: 'pull',
    script: [
      receive('pull'),
      op('pull', 'in_progress'),
      out('HEAD is now at 3c9a808'),
      op('pull', 'complete'),
      st('ok', 'pull', 0),
      quiet,
    ],
    ends: { outcome: 'unchanged', reason: 'nothing new' },
  },
  {
    name: 'isolated, to a newer commit',
    operation: 'pull',
    script: [
      receive('pull'),
      op('pull', 'in_progress'),
      op('pull', 'complete'),
      st('ok', 'pull', 0),
      answer({ generation: 'bbbbbbb' }),
    ],
    ends: { outcome: 'succeeded', reason: 'The host moved to bbbbbbb' },
  },
  {
    name: 'isolated, error: exit 1 and the Go error text',
    operation: 'pull',
    script: [
      receive('pull'),
      op('pull', 'in_progress'),
      out('fatal: no route', 'stderr'),
      op('pull', 'error'),
      st('error', 'pull', 1, 'exit status 128'),
      quiet,
    ],
    ends: { outcome: 'failed', reason: 'exit status 128' },
  },
  {
    name: 'isolated, with output after the status',
    operation: 'pull',
    script: [receive('pull'), st('ok', 'pull', 0), out('late line'), quiet, out('later line')],
    ends: { outcome: 'unchanged' },
  },
  {
    name: 'legacy, with the text of its post-validation and one more heartbeat that still shows it',
    operation: 'pull',
    script: [
      receive('pull'),
      op('pull', 'in_progress'),
      out('From github.com:example/config'),
      op('pull', 'complete'),
      legacyTail('✅ Pull goal achieved'),
      out('🟡 System: Outdated (rebuild needed)'),
      st('ok', 'pull', 0),
      beat('pull'),
      still('pull'),
      beat(),
    ],
    ends: { outcome: 'unchanged' },
  },
];

const switchOk = (command: 'switch' | 'pull-switch') => [
  op('system', 'in_progress'),
  out('building the system configuration...'),
  op('system', 'complete'),
  legacyTail('✅ Switch completed successfully'),
  out('🟢 System: Current (inferred from exit 0)'),
  st('ok', command, 0),
  beat(command),
  still(command),
];

const SWITCH: Case[] = [
  {
    name: 'NixOS: status, 1000, exit 101, register',
    operation: 'switch',
    script: [receive('switch'), ...switchOk('switch'), restarted],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'NixOS, failed: the agent stays',
    operation: 'switch',
    script: [
      receive('switch'),
      op('system', 'in_progress'),
      out('error: builder failed', 'stderr'),
      op('system', 'error'),
      st('error', 'switch', 1, 'command failed'),
      beat('switch'),
      beat(),
    ],
    ends: { outcome: 'failed', reason: 'exit code 1' },
  },
  {
    name: 'longer than five minutes: the agent reports its status as stale, and the switch succeeds',
    operation: 'switch',
    script: [
      receive('switch'),
      later(6 * MINUTE),
      beat('switch', {
        update_status: {
          system: { status: 'unknown', message: 'Status stale (agent may have restarted during command)' },
        },
      }),
      still('switch'),
      ...switchOk('switch'),
      restarted,
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'macOS: killed by launchd during the switch, a new agent registers',
    operation: 'switch',
    script: [
      receive('switch'),
      op('system', 'in_progress'),
      drop,
      dial({ binary_hash: 'new' }),
      still('switch'),
      beat(null, { binary_hash: 'new' }),
    ],
    ends: { outcome: 'succeeded', reason: 'the switch replaced the agent' },
    register: { host_type: 'macos', binary_hash: 'old' },
  },
  {
    name: 'macOS: killed, the same agent registers, and says that its system is current',
    operation: 'switch',
    script: [
      receive('switch'),
      op('system', 'in_progress'),
      close(1000),
      dial(),
      beat(),
      receive('refresh-system'),
      out('checking'),
      st('ok', 'refresh-system', 0, 'ok'),
    ],
    ends: { outcome: 'succeeded', reason: 'its system is current' },
    register: { host_type: 'macos', binary_hash: 'same', store_path: '/nix/store/a' },
  },
  {
    name: 'macOS: killed, and its system still needs a rebuild',
    operation: 'switch',
    script: [
      receive('switch'),
      drop,
      dial(),
      beat(),
      receive('refresh-system'),
      st('ok', 'refresh-system', 0, 'outdated'),
    ],
    ends: { outcome: 'failed', reason: 'still needs a rebuild' },
    register: { host_type: 'macos', binary_hash: 'same' },
  },
  {
    name: 'macOS: killed, and the agent can’t tell',
    operation: 'switch',
    script: [
      receive('switch'),
      drop,
      dial(),
      beat(),
      receive('refresh-system'),
      st('ok', 'refresh-system', 0, 'error'),
    ],
    ends: { outcome: 'lost', reason: 'can’t tell' },
  },
  {
    name: 'macOS: killed, and the agent does not answer what it is asked',
    operation: 'switch',
    script: [receive('switch'), drop, dial(), beat(), receive('refresh-system'), later(2 * MINUTE)],
    ends: { outcome: 'lost' },
  },
  {
    name: 'macOS: not killed: exit 0, and no restart follows',
    operation: 'switch',
    script: [
      receive('switch'),
      op('system', 'complete'),
      st('ok', 'switch', 0),
      beat('switch'),
      beat(),
      still('switch'),
      later(4 * MINUTE),
    ],
    ends: { outcome: 'succeeded', reason: 'did not restart' },
    register: { host_type: 'macos' },
  },
  {
    name: 'macOS: failed before it came to the bootout',
    operation: 'switch',
    script: [receive('switch'), st('error', 'switch', 1, 'command failed'), quiet],
    ends: { outcome: 'failed' },
    register: { host_type: 'macos' },
  },
  {
    name: 'its host never comes back',
    operation: 'switch',
    script: [receive('switch'), ...switchOk('switch'), close(1000), later(10 * MINUTE)],
    ends: { outcome: 'timed-out', reason: 'did not come back' },
  },
  {
    name: 'pull-switch: both phases, one status of that name',
    operation: 'pull-switch',
    script: [
      receive('pull-switch'),
      op('pull', 'in_progress'),
      op('pull', 'complete'),
      ...switchOk('pull-switch'),
      restarted,
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'pull-switch whose pull fails: no restart',
    operation: 'pull-switch',
    script: [
      receive('pull-switch'),
      op('pull', 'in_progress'),
      op('pull', 'error'),
      st('error', 'pull-switch', 1, 'exit status 128'),
      quiet,
    ],
    ends: { outcome: 'failed', reason: 'exit status 128' },
  },
];

const OTHERS: Case[] = [
  {
    name: 'test that passes',
    operation: 'test',
    script: [
      receive('test'),
      op('tests', 'in_progress'),
      out('ok 1'),
      op('tests', 'complete'),
      st('ok', 'test', 0),
      beat('test'),
      beat(),
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'test that fails: the exit code of the last script',
    operation: 'test',
    script: [
      receive('test'),
      op('tests', 'in_progress'),
      op('tests', 'error'),
      st('error', 'test', 3, 'command failed'),
      beat('test'),
      beat(),
    ],
    ends: { outcome: 'failed', reason: 'exit code 3' },
  },
  {
    name: 'rollback',
    operation: 'rollback',
    script: [
      receive('rollback'),
      out('🔄 Rolling back to previous generation...'),
      st('ok', 'rollback', 0),
      beat('rollback'),
      beat(),
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'update',
    operation: 'update',
    script: [
      receive('update'),
      out('warning: updating lock file', 'stderr'),
      st('ok', 'update', 0),
      beat('update'),
      beat(),
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'refresh-git, where no desired state is configured',
    operation: 'refresh-git',
    script: [
      receive('refresh-git'),
      out('Git status is checked by dashboard (GitHub API)'),
      st('ok', 'refresh-git', 0),
      quiet,
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'refresh-lock: the message is the word',
    operation: 'refresh-lock',
    script: [
      receive('refresh-lock'),
      out('…'),
      out('✓ Lock status: outdated'),
      st('ok', 'refresh-lock', 0, 'outdated'),
      answer({
        update_status: {
          lock: { status: 'outdated', message: 'Updated 9 days ago', checked_at: '2026-01-22T17:14:27Z' },
        },
      }),
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'refresh-system: a minute of silence, then the word',
    operation: 'refresh-system',
    script: [
      receive('refresh-system'),
      out('evaluating'),
      later(59 * SECOND),
      st('ok', 'refresh-system', 0, 'error'),
      quiet,
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'refresh-all',
    operation: 'refresh-all',
    script: [receive('refresh-all'), out('1'), out('2'), out('3'), st('ok', 'refresh-all', 0, 'all refreshed'), quiet],
    ends: { outcome: 'succeeded', reason: 'all refreshed' },
  },
  {
    name: 'force-update: its text claims a restart that does not come',
    operation: 'force-update',
    script: [
      receive('force-update'),
      out('Step 1/4'),
      out('Agent will restart'),
      st('ok', 'force-update', 0, 'force update complete'),
      quiet,
    ],
    ends: { outcome: 'succeeded', reason: 'force update complete' },
  },
  {
    name: 'force-update whose rebuild fails',
    operation: 'force-update',
    script: [receive('force-update'), st('error', 'force-update', 1, 'rebuild failed'), quiet],
    ends: { outcome: 'failed', reason: 'rebuild failed' },
  },
  {
    name: 'check-version that finds the same',
    operation: 'check-version',
    script: [
      receive('check-version'),
      out('running=3.1.5'),
      st('ok', 'check-version', 0, 'running=3.1.5 installed=3.1.5'),
      quiet,
    ],
    ends: { outcome: 'succeeded', reason: 'installed=3.1.5' },
  },
  {
    name: 'check-version that finds another one: warning, exit 0',
    operation: 'check-version',
    script: [
      receive('check-version'),
      st('warning', 'check-version', 0, 'mismatch: running=3.1.4 installed=3.1.5'),
      quiet,
    ],
    ends: { outcome: 'partial', reason: 'mismatch' },
  },
  {
    name: 'a name that this agent does not know',
    operation: 'check-version',
    script: [receive('check-version'), st('error', 'check-version', 1, 'unknown command'), quiet],
    ends: { outcome: 'failed', reason: 'unknown command' },
  },
];

const CONTROL: Case[] = [
  {
    name: 'stop of a test: SIGTERM ends the agent too; its status comes first',
    operation: 'test',
    script: [
      receive('test'),
      beat('test'),
      ask('stop'),
      receive('stop'),
      st('stopped', 'test', 130),
      close(1000),
      dial(),
      beat(),
    ],
    ends: { outcome: 'stopped' },
    others: { stop: { outcome: 'succeeded' } },
  },
  {
    name: 'stop of a test: the agent ends before its status is out',
    operation: 'test',
    script: [receive('test'), beat('test'), ask('stop'), receive('stop'), close(1000), dial(), still('test'), beat()],
    ends: { outcome: 'lost', reason: 'may still be running' },
    others: { stop: { outcome: 'lost' } },
  },
  {
    name: 'stop of a switch on macOS: two status frames for one command',
    operation: 'switch',
    script: [
      receive('switch'),
      beat('switch'),
      ask('stop'),
      receive('stop'),
      st('stopped', 'switch', 130),
      st('error', 'switch', -1, 'command failed'),
      beat('switch'),
      beat(),
    ],
    ends: { outcome: 'stopped' },
    others: { stop: { outcome: 'succeeded' } },
    register: { host_type: 'macos' },
  },
  {
    name: 'stop of a switch on macOS: the status of the child that was killed comes alone',
    operation: 'switch',
    script: [
      receive('switch'),
      beat('switch'),
      ask('stop'),
      receive('stop'),
      st('error', 'switch', -1, 'command failed'),
      beat('switch'),
      beat(),
    ],
    ends: { outcome: 'stopped' },
    others: { stop: { outcome: 'succeeded' } },
  },
  {
    name: 'stop during an isolated pull: “no command running”, and the pull goes on',
    operation: 'pull',
    script: [
      receive('pull'),
      op('pull', 'in_progress'),
      ask('stop'),
      receive('stop'),
      st('error', 'stop', 1, 'no command running'),
      ended('stop'),
      still('pull'),
      op('pull', 'complete'),
      st('ok', 'pull', 0),
      quiet,
    ],
    ends: { outcome: 'unchanged' },
    others: { stop: { outcome: 'failed', reason: 'no command running' } },
  },
  {
    name: 'stop that comes too late: the command has already ended',
    operation: 'test',
    script: [
      receive('test'),
      beat('test'),
      ask('stop'),
      receive('stop'),
      st('ok', 'test', 0),
      st('error', 'stop', 1, 'no command running'),
      beat('test'),
      beat(),
    ],
    ends: { outcome: 'succeeded' },
    others: { stop: { outcome: 'failed' } },
  },
  {
    name: 'kill: it gets no status, and the connection ends with 1006',
    operation: 'test',
    script: [
      receive('test'),
      beat('test'),
      ask('kill'),
      receive('kill_command'),
      out('⚠️ Received kill command: SIGKILL (PID 7)'),
      drop,
      dial(),
      beat(),
    ],
    ends: { outcome: 'lost' },
    others: { kill: { outcome: 'lost' } },
  },
  {
    name: 'kill that finds nothing: the agent says so in its output alone',
    operation: 'pull',
    script: [
      receive('pull'),
      ask('kill'),
      receive('kill_command'),
      out('⚠️ No command running to kill', 'stderr'),
      later(4 * SECOND),
      beat(),
      beat(),
    ],
    ends: { outcome: 'stopped' },
    others: { kill: { outcome: 'succeeded' } },
  },
  {
    name: 'restart: no frame, a close with 1000, and a new process',
    operation: 'restart',
    script: [receive('restart'), close(1000), still('restart'), dial()],
    ends: { outcome: 'succeeded', reason: 'came back' },
  },
  {
    name: 'restart that never happens',
    operation: 'restart',
    script: [receive('restart'), beat(), beat(), later(3 * MINUTE + SECOND), later(SECOND)],
    ends: { outcome: 'timed-out', reason: 'No restart' },
  },
  {
    name: 'restart while it is busy: the children go with the agent',
    operation: 'test',
    script: [receive('test'), beat('test'), ask('restart'), receive('restart'), close(1000), dial(), beat()],
    ends: { outcome: 'stopped', reason: 'the agent restarted' },
    others: { restart: { outcome: 'succeeded' } },
  },
  {
    name: 'reboot: a line, three seconds, 1006, and back',
    operation: 'reboot',
    script: [
      receive('reboot'),
      out('⚠️  Reboot command received. System will reboot in 3 seconds...'),
      later(3 * SECOND),
      drop,
      later(2 * MINUTE),
      still('reboot'),
      dial(),
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'reboot that sudo refuses: the agent says so in its output alone',
    operation: 'reboot',
    script: [
      receive('reboot'),
      out('❌ Reboot failed: exit status 1', 'stderr'),
      beat(),
      later(5 * MINUTE + SECOND),
      later(SECOND),
    ],
    ends: { outcome: 'timed-out' },
  },
  {
    name: 'reboot from which the host does not come back',
    operation: 'reboot',
    script: [receive('reboot'), later(3 * SECOND), close(1000), later(16 * MINUTE)],
    ends: { outcome: 'timed-out', reason: 'did not come back' },
  },
];

const ODDITIES: Case[] = [
  {
    name: 'two status frames for one command',
    operation: 'test',
    script: [
      receive('test'),
      st('ok', 'test', 0),
      st('error', 'test', 1, 'command failed'),
      beat('test'),
      beat(),
      st('ok', 'test', 0),
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'no status at all: two heartbeats without it',
    operation: 'test',
    script: [receive('test'), beat('test'), later(4 * SECOND), beat(), still('test'), beat()],
    ends: { outcome: 'lost', reason: 'no result arrived' },
  },
  {
    name: 'its status was lost with a broken connection',
    operation: 'test',
    script: [receive('test'), beat('test'), drop, dial(), still('test'), beat(), quiet],
    ends: { outcome: 'lost' },
  },
  {
    name: 'the connection breaks, and the agent that comes back still runs it',
    operation: 'test',
    script: [
      receive('test'),
      beat('test'),
      drop,
      dial(),
      beat('test'),
      still('test'),
      out('goes on'),
      st('ok', 'test', 0),
      beat('test'),
      beat(),
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'a status after the end changes nothing',
    operation: 'test',
    script: [
      receive('test'),
      beat('test'),
      later(6 * MINUTE),
      beat('test'),
      later(5 * MINUTE),
      ended('test'),
      st('ok', 'test', 0),
      beat(),
    ],
    ends: { outcome: 'timed-out', reason: 'may still be running' },
  },
  {
    name: 'a line of more than 64 KiB stops the child: no result ever arrives',
    operation: 'pull',
    script: [
      receive('pull'),
      out('x'.repeat(65_000)),
      beat('pull'),
      later(2 * MINUTE + SECOND),
      beat('pull'),
      later(3 * MINUTE + SECOND),
      beat(),
    ],
    ends: { outcome: 'timed-out' },
  },
  {
    name: 'a second agent of the same name is held, and its frames have no effect',
    operation: 'test',
    script: [
      receive('test'),
      beat('test'),
      intrude(['status', { status: 'ok', command: 'test', exit_code: 0 }], ['heartbeat', {}]),
      still('test'),
      st('error', 'test', 2, 'command failed'),
      beat('test'),
      beat(),
    ],
    ends: { outcome: 'failed', reason: 'exit code 2' },
  },
  {
    name: 'refused: it runs something else',
    operation: 'test',
    script: [
      receive('test'),
      send('command_rejected', { reason: 'command already running', current_command: 'pull', current_pid: 9931 }),
      ended('test'),
      beat('pull'),
      beat(),
    ],
    ends: { outcome: 'rejected', reason: 'it is running "pull"' },
  },
  {
    name: 'refused: this command already runs',
    operation: 'test',
    script: [
      receive('test'),
      send('command_rejected', { reason: 'command already running', current_command: 'test' }),
      still('test'),
      st('ok', 'test', 0),
      beat('test'),
      beat(),
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'the first Go agent: no update status, no freshness, no generation in its status, two fields of output',
    operation: 'pull',
    script: [
      receive('pull'),
      send('output', { line: 'x', stream: 'stdout' }),
      send('status', { status: 'ok', command: 'pull', exit_code: 0 }),
      quiet,
    ],
    ends: { outcome: 'unchanged' },
    register: { agent_version: '2.0.0', heartbeat_interval: 30 },
  },
  {
    name: 'invalid frames while it runs',
    operation: 'test',
    script: [
      receive('test'),
      send('test_progress', {}),
      send('command_complete', { ok: true }),
      send('status', { status: 'fine' }),
      send('status', { status: 'ok', command: 'bump-flake', exit_code: 0 }),
      send('operation_progress', { progress: { tests: null } }),
      still('test'),
      st('ok', 'test', 0),
      quiet,
    ],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'seven heartbeats within ten seconds and no output: still running',
    operation: 'test',
    script: [
      receive('test'),
      ...Array.from({ length: 7 }, () => [beat('test'), later(SECOND)]).flat(),
      still('test'),
      st('ok', 'test', 0),
      beat('test'),
      beat(),
    ],
    ends: { outcome: 'succeeded' },
  },
];

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

const PROTOCOL_3: Case[] = [
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

let player: Player | null = null;
afterEach(async () => {
  await player?.server.close();
  player = null;
});

describe.each([
  ['pull', PULL],
  ['switch', SWITCH],
  ['others', OTHERS],
  ['stop, kill, restart, reboot', CONTROL],
  ['oddities', ODDITIES],
  ['protocol 3', PROTOCOL_3],
] as const)('%s', (_group, cases) => {
  it.each(cases)('$operation: $name', async ({ operation, script, ends, others = {}, register = {} }) => {
    player = await Player.open(register);
    player.ask(operation);
    await player.play(script);
    for (const [id, expected] of [[operation, ends], ...Object.entries(others)] as [OperationId, Expected][]) {
      await player.play([ended(id)]);
      const { outcome, reason } = player.command(id);
      expect({ id, outcome, reason }).toEqual({
        id,
        outcome: expected.outcome,
        reason: expect.stringContaining(expected.reason ?? '') as string,
      });
      expect(reason).toMatch(/[.!?…]$/);
    }
    // Free again, and nothing was put on the wire twice.
    await player.server.until(() => player?.server.fleet.host('h1')?.command === null);
    const host = player.server.fleet.host('h1');
    expect(host).toMatchObject({ command: null, control: null, dashboardCommand: null, queue: [] });
    const own = player.wire.filter((name) => name !== 'refresh-system' || operation === 'refresh-system');
    expect(new Set(own).size).toBe(own.length);
  });
});
