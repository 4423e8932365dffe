/**
 * The chain of events. Each row's hash covers its content, its id and the hash of the row before it, which reveals a
 * changed, missing or moved row. Whoever can write the file can also recompute the whole chain: it proves only that
 * nobody edited single rows.
 *
 * Canonical encoding: the UTF-8 bytes of `JSON.stringify` of an array. In version 1 it is
 * `[1, prevHash, id, at, category, level, action, actorKind, actor, userId, address, hostId, hostName, commandId,
 * outcome, message, data]`; in version 2 it is
 * `[2, prevHash, id, at, category, level, action, actorKind, actor, userId, address, hostId, hostName, commandId,
 * outcome, data]`, and the row's message is empty. Absent values are null, and `data` is the text of its column as stored.
 * JSON.stringify has one output for an array of strings, integers and nulls (ECMA-262, 25.5.2). The hash is its SHA-256 in
 * lower-case hex. The first row follows a hash of 64 zeros and the id 0; ids have no gaps.
 *
 * Each row names its version (a database of 4.0.0 has rows of version 1 only) and is checked by it. Version 1 stores a
 * sentence: rows from before 4.1.0 and rows of other dashboards. Version 2 stores parameters, in `data`.
 */
import { createHash } from 'node:crypto';

/** Version of the encoding with a sentence. */
export const ENCODING_WITH_MESSAGE = 1;
/** Version of the encoding with parameters only. */
export const ENCODING_WITH_PARAMS = 2;

/** An event as stored in its row, without the hashes. */
export interface ChainedEvent {
  /** Version of its encoding. */
  encoding: number;
  id: number;
  at: number;
  category: string;
  level: string;
  action: string;
  actorKind: string;
  actor: string;
  userId: string | null;
  address: string;
  hostId: string | null;
  hostName: string;
  commandId: string | null;
  outcome: string;
  message: string;
  data: string;
}

export interface ChainLink {
  id: number;
  hash: string;
}

/** The link that the first row follows. */
export const CHAIN_START: ChainLink = { id: 0, hash: '0'.repeat(64) };

export type ChainVerdict =
  /** A check of the following rows continues from `last`. */
  { kind: 'intact'; last: ChainLink } | { kind: 'broken'; id: number; reason: string };

/** The hash of an event that follows one with the hash `prevHash`, by the version of its encoding. */
export function eventHash(prevHash: string, event: ChainedEvent): string {
  const text = JSON.stringify([
    event.encoding,
    prevHash,
    event.id,
    event.at,
    event.category,
    event.level,
    event.action,
    event.actorKind,
    event.actor,
    event.userId,
    event.address,
    event.hostId,
    event.hostName,
    event.commandId,
    event.outcome,
    ...(event.encoding === ENCODING_WITH_MESSAGE ? [event.message] : []),
    event.data,
  ]);
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** False for a row whose encoding is unknown, or has no message although the row has one. */
function fitsEncoding({ encoding, message }: ChainedEvent): boolean {
  return encoding === ENCODING_WITH_MESSAGE || (encoding === ENCODING_WITH_PARAMS && message === '');
}

/**
 * Checks rows in the order of their ids; check a long table page by page, each from the `last` of the page before. Rows
 * missing at the newest end are only noticed by comparing with the last id (in `sqlite_sequence`).
 */
export function verifyChain(
  rows: Iterable<ChainedEvent & { prevHash: string; hash: string }>,
  after: ChainLink = CHAIN_START,
): ChainVerdict {
  let last = after;
  for (const row of rows) {
    const expectedId = last.id + 1;
    if (row.id > expectedId) return { kind: 'broken', id: expectedId, reason: `Event ${expectedId} is missing.` };
    if (row.id < expectedId) return { kind: 'broken', id: row.id, reason: `Event ${row.id} is out of order.` };
    if (row.prevHash !== last.hash) {
      return { kind: 'broken', id: row.id, reason: `Event ${row.id} does not follow the event before it.` };
    }
    if (!fitsEncoding(row) || eventHash(last.hash, row) !== row.hash) {
      return { kind: 'broken', id: row.id, reason: `Event ${row.id} was changed after it was written.` };
    }
    last = { id: row.id, hash: row.hash };
  }
  return { kind: 'intact', last };
}
