/** Maps the names of operations and the results of commands of older dashboards to today's. */
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';
import type { CommandOutcome } from '@/lib/protocol/command-phases';

/** Operations that have another name today. A map, not an object: the names come from a file. */
const ALIASES: ReadonlyMap<string, OperationId> = new Map([
  ['pull-reset', 'pull'],
  ['bump-flake', 'update'],
  ['force-rebuild', 'force-update'],
  ['remove', 'remove-host'],
]);

interface End {
  outcome: CommandOutcome;
  /** Used when the row has no message. */
  reason: string;
}

const UNKNOWN_END = 'Its result was not recorded.';
const CUT_OFF = 'It had not ended when the old dashboard was stopped, so its result is unknown.';

const ENDS: ReadonlyMap<string, End> = new Map<string, End>([
  // Version 1.
  ['ok', { outcome: 'succeeded', reason: 'The old dashboard recorded a success.' }],
  ['error', { outcome: 'failed', reason: 'The old dashboard recorded an error.' }],
  ['unknown', { outcome: 'lost', reason: UNKNOWN_END }],
  ['running', { outcome: 'lost', reason: CUT_OFF }],
  // The Go dashboard.
  ['success', { outcome: 'succeeded', reason: 'The old dashboard recorded a success.' }],
  [
    'partial',
    { outcome: 'partial', reason: 'The command succeeded, but the host did not have the expected state afterwards.' },
  ],
  ['timeout', { outcome: 'timed-out', reason: 'It did not end in time.' }],
  ['skipped', { outcome: 'skipped', reason: 'The operator no longer waited for it.' }],
  ['blocked', { outcome: 'skipped', reason: 'It was blocked before it was sent.' }],
  ['suspicious', { outcome: 'partial', reason: 'The agent reconnected with another commit but the same program.' }],
  ['stale_binary', { outcome: 'partial', reason: 'The agent reconnected with the same program as before.' }],
  ['killed', { outcome: 'stopped', reason: 'It was killed.' }],
  ['orphaned', { outcome: 'lost', reason: CUT_OFF }],
  ...['pending', 'validating', 'executing', 'running_warning', 'timeout_pending', 'awaiting_reconnect', 'killing'].map(
    (status): [string, End] => [status, { outcome: 'lost', reason: CUT_OFF }],
  ),
]);

/** Null for an unknown operation, which is then kept as an event. */
export function operationOf(name: string): OperationId | null {
  return OPERATION_IDS.find((id) => id === name) ?? ALIASES.get(name) ?? null;
}

/** Null for an unknown status. */
export function endOf(status: string): End | null {
  return ENDS.get(status.toLowerCase()) ?? null;
}

/** For a status that is not known. */
export const NO_END: End = { outcome: 'lost', reason: UNKNOWN_END };
