/** What agents send for the other commands that they run. */
import { answer, beat, receive, later, op, out, st } from '../../../testing/script';
import type { Case } from './sequence';
import { quiet, SECOND } from './sequence';

export const OTHERS: Case[] = [
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
