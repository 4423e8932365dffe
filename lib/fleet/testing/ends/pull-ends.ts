/** How a pull ends. */
import {
  answer,
  beat,
  extend,
  later,
  MINUTE,
  op,
  out,
  phase,
  quiet,
  receive,
  SECOND,
  send,
  st,
  still,
} from './end-case';
import type { EndCase } from './end-case';
import { HEARTBEAT_ANSWER_MS } from '../../commands/command-step';
import { COMMIT, T0 } from '../samples';
import type { HostRelation } from '../../hosts/desired';

/** A repository that knows the commit which the host pulls. */
export const wanted = (relation: HostRelation, source: 'git' | 'feed' = 'git') => ({
  state: { source, branch: 'main', commit: COMMIT, lockHash: 'lock-a', fetchedAt: T0 },
  relations: { bbbbbbb: relation, '3c9a808': { relation: 'behind', commits: 2 } as const },
});
const pulled = (lockHash: string) => answer({ generation: 'bbbbbbb', lock_hash: lockHash });

export const legacyTail = (goal: string) => [
  out(''),
  out('📊 Post-validation…'),
  out('🟢 Lock: Updated today'),
  out(''),
  out(goal),
];

export const PULL_ENDS: readonly EndCase[] = [
  {
    name: 'the clone has the newest commit already',
    operation: 'pull',
    steps: [
      receive('pull'),
      op('pull', 'in_progress'),
      out('HEAD is now at 3c9a808'),
      op('pull', 'complete'),
      st('ok', 'pull', 0),
      quiet,
    ],
    ends: { outcome: 'unchanged', reason: 'nothing new', exitCode: 0 },
    notes: [],
  },
  {
    name: 'the clone moves to a newer commit',
    operation: 'pull',
    steps: [
      receive('pull'),
      op('pull', 'in_progress'),
      op('pull', 'complete'),
      st('ok', 'pull', 0),
      phase('pull', 'verifying'),
      answer({ generation: 'bbbbbbb' }),
    ],
    ends: { outcome: 'succeeded', reason: 'The host moved to bbbbbbb' },
  },
  {
    name: 'git fails: exit code 1, with the error of Go as text',
    operation: 'pull',
    steps: [
      receive('pull'),
      op('pull', 'in_progress'),
      out('fatal: no route', 'stderr'),
      op('pull', 'error'),
      st('error', 'pull', 1, 'exit status 128'),
      quiet,
    ],
    ends: { outcome: 'failed', reason: 'The host reported: exit status 128.', exitCode: 1 },
  },
  {
    name: 'output follows the result',
    operation: 'pull',
    steps: [
      receive('pull'),
      st('ok', 'pull', 0),
      out('late line'),
      phase('pull', 'verifying'),
      quiet,
      out('later line'),
    ],
    ends: { outcome: 'unchanged' },
  },
  {
    name: 'legacy, with the text of its post-validation and one more heartbeat that still shows it',
    operation: 'pull',
    steps: [
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
  {
    name: 'the first Go agent: no update status, no generation in its status, two fields of output',
    operation: 'pull',
    steps: [
      receive('pull'),
      send('output', { line: 'x', stream: 'stdout' }),
      send('status', { status: 'ok', command: 'pull', exit_code: 0 }),
      quiet,
    ],
    ends: { outcome: 'unchanged' },
    register: { agent_version: '2.0.0', heartbeat_interval: 30 },
  },
  {
    name: 'the desired commit',
    operation: 'pull',
    desired: wanted({ relation: 'equal', commits: null }),
    steps: [receive('pull'), st('ok', 'pull', 0), pulled('lock-a')],
    ends: { outcome: 'succeeded', reason: 'The host moved to bbbbbbb' },
    after: { git: ['ok', 'At 3c9a808'], lock: ['ok', 'matches'] },
  },
  {
    name: 'the result is success, but the host is still behind',
    operation: 'pull',
    desired: wanted({ relation: 'behind', commits: 1 }),
    steps: [receive('pull'), st('ok', 'pull', 0), pulled('lock-a')],
    ends: { outcome: 'partial', reason: 'Behind by 1 commit' },
    after: { git: ['outdated', 'Behind by 1 commit'] },
  },
  {
    name: 'the result is success, but flake.lock differs',
    operation: 'pull',
    desired: wanted({ relation: 'equal', commits: null }),
    steps: [receive('pull'), st('ok', 'pull', 0), pulled('lock-b')],
    ends: { outcome: 'partial', reason: 'flake.lock differs' },
  },
  {
    name: 'the version feed is older than the pulled commit',
    operation: 'pull',
    desired: wanted({ relation: 'differs', commits: null }, 'feed'),
    steps: [receive('pull'), st('ok', 'pull', 0), pulled('lock-b')],
    ends: { outcome: 'succeeded', reason: 'does not name it as the desired commit' },
  },
  {
    name: 'the pulled commit is not known to the desired state yet',
    operation: 'pull',
    desired: wanted({ relation: 'unknown', commits: null }),
    steps: [receive('pull'), st('ok', 'pull', 0), pulled('lock-b')],
    ends: { outcome: 'succeeded', reason: 'The host moved to bbbbbbb' },
  },
  {
    name: 'judged by the heartbeat after its status, not by the one before',
    operation: 'pull',
    desired: wanted({ relation: 'equal', commits: null }),
    steps: [receive('pull'), beat('pull'), st('ok', 'pull', 0), pulled('lock-a')],
    ends: { outcome: 'succeeded' },
  },
  {
    name: 'no heartbeat arrives after its status',
    operation: 'pull',
    desired: wanted({ relation: 'equal', commits: null }),
    steps: [receive('pull'), st('ok', 'pull', 0), phase('pull', 'verifying'), later(HEARTBEAT_ANSWER_MS)],
    ends: { outcome: 'succeeded', reason: 'no facts arrived in time' },
  },
  {
    name: 'a line of more than 64 KiB stops the child process: no result ever arrives',
    operation: 'pull',
    steps: [
      receive('pull'),
      out('x'.repeat(65_000)),
      beat('pull'),
      later(2 * MINUTE + SECOND),
      phase('pull', 'warning'),
      beat('pull'),
      later(3 * MINUTE + SECOND),
    ],
    ends: { outcome: 'timed-out', reason: 'may still be running' },
  },
  {
    name: 'the operator extends its deadline',
    operation: 'pull',
    steps: [
      receive('pull'),
      out('fetching'),
      later(2 * MINUTE),
      phase('pull', 'warning'),
      extend('pull', 20 * MINUTE),
      phase('pull', 'running'),
      later(15 * MINUTE),
      phase('pull', 'running'),
      st('ok', 'pull', 0),
      answer({ generation: 'bbbbbbb' }),
    ],
    ends: { outcome: 'succeeded' },
  },
];
