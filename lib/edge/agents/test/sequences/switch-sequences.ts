/** What agents send for a switch, on NixOS and on macOS. */
import { beat, close, dial, drop, receive, later, op, out, st, still } from '../../../testing/script';
import type { Case } from './sequence';
import { MINUTE, quiet, restarted } from './sequence';
import { legacyTail } from './pull-sequences';

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

export const SWITCH: Case[] = [
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
