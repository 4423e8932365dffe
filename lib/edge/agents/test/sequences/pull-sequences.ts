/** What agents send for a pull. */
import { answer, beat, receive, op, out, st, still } from '../../../testing/script';
import type { Case } from './sequence';
import { quiet } from './sequence';

export const legacyTail = (goal: string) => [
  out(''),
  out('📊 Post-validation…'),
  out('🟢 Lock: Updated today'),
  out(''),
  out(goal),
];

export const PULL: Case[] = [
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
