/** Names of operations and ends of commands, as older dashboards wrote them. */
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';
import type { CommandOutcome } from '@/lib/protocol/command-phases';

/** What does the same thing under another name today. A map, not an object: the names come from a file. */
const ALIASES: ReadonlyMap<string, OperationId> = new Map([
  ['pull-reset', 'pull'],
  ['bump-flake', 'update'],
  ['force-rebuild', 'force-update'],
  ['remove', 'remove-host'],
]);

interface End {
  outcome: CommandOutcome;
  /** Where the row has no message of its own. */
  reason: string;
}

const UNKNOWN_END = 'How it ended was not recorded.';
const CUT_OFF = 'It had not ended when the old dashboard was stopped: nobody knows how it went.';

const ENDS: ReadonlyMap<string, End> = new Map<string, End>([
  // Version 1.
  ['ok', { outcome: 'succeeded', reason: 'The old dashboard recorded a success.' }],
  ['error', { outcome: 'failed', reason: 'The old dashboard recorded an error.' }],
  ['unknown', { outcome: 'lost', reason: UNKNOWN_END }],
  ['running', { outcome: 'lost', reason: CUT_OFF }],
  // The Go dashboard.
  ['success', { outcome: 'succeeded', reason: 'The old dashboard recorded a success.' }],
  ['partial', { outcome: 'partial', reason: 'It ended well, but what it should have changed did not hold.' }],
  ['timeout', { outcome: 'timed-out', reason: 'It did not end in time.' }],
  ['skipped', { outcome: 'skipped', reason: 'The operator no longer waited for it.' }],
  ['blocked', { outcome: 'skipped', reason: 'It was blocked before it was sent.' }],
  ['suspicious', { outcome: 'partial', reason: 'The agent came back with another commit but the same program.' }],
  ['stale_binary', { outcome: 'partial', reason: 'The agent came back with the same program as before.' }],
  ['killed', { outcome: 'stopped', reason: 'It was ended by force.' }],
  ['orphaned', { outcome: 'lost', reason: CUT_OFF }],
  ...['pending', 'validating', 'executing', 'running_warning', 'timeout_pending', 'awaiting_reconnect', 'killing'].map(
    (status): [string, End] => [status, { outcome: 'lost', reason: CUT_OFF }],
  ),
]);

/** Null for what is no operation of today: it is kept as an event then, and not called something that it was not. */
export function operationOf(name: string): OperationId | null {
  return OPERATION_IDS.find((id) => id === name) ?? ALIASES.get(name) ?? null;
}

/** Null for a status that no older dashboard wrote. */
export function endOf(status: string): End | null {
  return ENDS.get(status.toLowerCase()) ?? null;
}

/** Where the status says nothing that can be read. */
export const NO_END: End = { outcome: 'lost', reason: UNKNOWN_END };
