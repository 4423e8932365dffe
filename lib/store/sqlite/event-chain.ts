/**
 * The chains of events. Each row's hash covers its content, its id and the hash of the row before it in its chain, which
 * reveals a changed, missing or moved row. Whoever can write the file can also recompute a whole chain: it proves only
 * that nobody edited single rows.
 *
 * Canonical encoding: the UTF-8 bytes of `JSON.stringify` of an array.
 * - Version 1: `[1, prevHash, id, at, category, level, action, actorKind, actor, userId, address, hostId, hostName,
 *   commandId, outcome, message, data]`.
 * - Version 2: `[2, prevHash, id, at, category, level, action, actorKind, actor, userId, address, hostId, hostName,
 *   commandId, outcome, data]`, and the row's message is empty.
 * - Version 3: `[3, chain, prevHash, id, …]` and then as version 2.
 *
 * Absent values are null, and `data` is the text of its column as stored. JSON.stringify has one output for an array of
 * strings, integers and nulls (ECMA-262, 25.5.2). The hash is its SHA-256 in lower-case hex. The first row of a chain
 * follows a hash of 64 zeros. Both chains take their ids from one sequence without gaps.
 *
 * Each row names its version (a database of 4.0.0 has rows of version 1 only) and is checked by it. Version 1 stores a
 * sentence: rows from before 4.1.0 and rows of other dashboards. Versions 2 and 3 store parameters, in `data`. Rows of the
 * chain `main` are of versions 1 and 2, those of other chains of version 3: no row can be moved to another chain.
 */
import { createHash } from 'node:crypto';
import { EVENT_CHAINS, type EventChain } from '@/lib/fleet/events/event-kind';

/** Version of the encoding with a sentence. */
export const ENCODING_WITH_MESSAGE = 1;
/** Version of the encoding with parameters only. */
export const ENCODING_WITH_PARAMS = 2;
/** Version of the encoding with parameters and the name of the chain. */
export const ENCODING_WITH_CHAIN = 3;

/** An event as stored in its row, without the hashes. */
export interface ChainedEvent {
  /** Version of its encoding. */
  encoding: number;
  /** An `EventChain`, unless somebody edited the row. */
  chain: string;
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

/** The link that the first row of a chain follows. */
export const CHAIN_START: ChainLink = { id: 0, hash: '0'.repeat(64) };

/** Where a check has arrived: the last id of all chains, and the newest link of each. */
export interface ChainPosition {
  id: number;
  heads: Readonly<Record<EventChain, ChainLink>>;
}

/** The position before the first row. */
export const CHECK_START: ChainPosition = { id: 0, heads: { main: CHAIN_START, peers: CHAIN_START } };

export type ChainedRow = ChainedEvent & { prevHash: string; hash: string };

export type ChainVerdict =
  /** A check of the following rows continues from `last`. */
  { kind: 'intact'; last: ChainPosition } | { kind: 'broken'; id: number; reason: string };

export function isEventChain(chain: string): chain is EventChain {
  return EVENT_CHAINS.some((known) => known === chain);
}

/** The hash of an event that follows one with the hash `prevHash`, by the version of its encoding. */
export function eventHash(prevHash: string, event: ChainedEvent): string {
  const text = JSON.stringify([
    event.encoding,
    ...(event.encoding === ENCODING_WITH_CHAIN ? [event.chain] : []),
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

/** False for a row with something that its encoding does not cover: a message, or a chain other than `main`. */
function fitsEncoding({ encoding, chain, message }: ChainedEvent): boolean {
  if (encoding === ENCODING_WITH_CHAIN) return chain !== 'main' && message === '';
  if (chain !== 'main') return false;
  return encoding === ENCODING_WITH_MESSAGE || (encoding === ENCODING_WITH_PARAMS && message === '');
}

/** What is wrong with a row by itself; null when it is as it was written. */
export function contentProblem(row: ChainedRow): string | null {
  const isIntact = isEventChain(row.chain) && fitsEncoding(row) && eventHash(row.prevHash, row) === row.hash;
  return isIntact ? null : `Event ${row.id} was changed after it was written.`;
}

/** The problem of a row whose `prevHash` is not the hash of the row before it in its chain. */
export const notFollowing = (id: number): string => `Event ${id} does not follow the event before it.`;

/**
 * Checks rows of all chains in the order of their ids; check a long table page by page, each from the `last` of the page
 * before. Rows missing at the newest end are only noticed by comparing with the last id (in `sqlite_sequence`). A table
 * from which retention deleted rows is checked by `auditEvents`.
 */
export function verifyChain(rows: Iterable<ChainedRow>, after: ChainPosition = CHECK_START): ChainVerdict {
  let last = after;
  for (const row of rows) {
    const { id, chain, hash } = row;
    const expectedId = last.id + 1;
    if (id > expectedId) return { kind: 'broken', id: expectedId, reason: `Event ${expectedId} is missing.` };
    if (id < expectedId) return { kind: 'broken', id, reason: `Event ${id} is out of order.` };
    if (isEventChain(chain) && row.prevHash !== last.heads[chain].hash) {
      return { kind: 'broken', id, reason: notFollowing(id) };
    }
    const reason = contentProblem(row);
    if (reason !== null) return { kind: 'broken', id, reason };
    last = { id, heads: { ...last.heads, [chain]: { id, hash } } };
  }
  return { kind: 'intact', last };
}
