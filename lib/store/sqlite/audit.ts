/**
 * Verifies the stored chain of events from its oldest row to its newest. The hashes reveal rows that were changed, moved
 * or removed in between. At the oldest end, retention leaves an anchor: an event that names the last row it removed. The
 * newest end is compared with SQLite's counter of ids and with witnesses outside the file (manifests of backups, lines
 * of the log). Whoever can write the file, the backups and the log can forge the whole history.
 */
import { z } from 'zod';
import type Sqlite from 'better-sqlite3';
import { CHAIN_START, ENCODING_WITH_MESSAGE, verifyChain, type ChainedEvent, type ChainLink } from './event-chain';
import type { EventCode } from '@/lib/fleet/events/event-table';

/** The action of the event that retention records when it removes the oldest events. */
export const EVENTS_CUT = 'events.cut' satisfies EventCode;
/** The action of the event that a restore records. */
export const DATABASE_RESTORED = 'database.restored' satisfies EventCode;

/** A link of the chain that was noted outside the database. */
export interface Witness extends ChainLink {
  /** Where it was noted, as words for a sentence. */
  source: string;
  /** When it was noted, epoch milliseconds; null when that is not known. */
  at: number | null;
}

export interface AuditReport {
  /** Number of events read. */
  rows: number;
  first: ChainLink | null;
  /** The newest link: note it outside the database. */
  head: ChainLink | null;
  /** Id of the last event that retention removed; null when it removed none. */
  cutUpTo: number | null;
  /** Number of witnesses that match the events. */
  agreed: number;
  /** At most 20 sentences; empty when the chain is intact. */
  problems: readonly string[];
}

const MAX_PROBLEMS = 20;

const cutData = z.object({ upTo: z.int(), hash: z.string() });
const restoredData = z.object({ takenAt: z.number(), restoredAt: z.number() });

type StoredEvent = ChainedEvent & { prevHash: string; hash: string };

/** Reads all events. Takes about a second for 200,000 of them. */
export function auditEvents(client: Sqlite.Database, witnesses: readonly Witness[] = []): AuditReport {
  const problems: string[] = [];
  const addProblem = (problem: string): void => {
    if (problems.length < MAX_PROBLEMS) problems.push(problem);
  };
  const anchor = newestCut(client);
  const hashAt = client.prepare<[number], string>('select hash from events where id = ?').pluck();

  let rows = 0;
  let first: ChainLink | null = null;
  let head: ChainLink = CHAIN_START;
  for (const row of readEvents(client)) {
    rows += 1;
    if (first === null) {
      first = { id: row.id, hash: row.hash };
      if (row.id > 1) {
        head = { id: row.id - 1, hash: row.prevHash };
        const problem = oldestEndProblem(head, anchor, anchor ? hashAt.get(anchor.upTo) : undefined);
        if (problem !== null) addProblem(problem);
      }
    }
    const verdict = verifyChain([row], head);
    if (verdict.kind === 'broken') addProblem(verdict.reason);
    head = { id: row.id, hash: row.hash };
  }

  const counted = client
    .prepare<[], number>("select coalesce((select seq from sqlite_sequence where name = 'events'), 0)")
    .pluck()
    .get();
  if (counted !== undefined && counted > head.id) {
    addProblem(`The newest events are missing: ${counted} were written, but the last one is ${head.id}.`);
  }
  let agreed = 0;
  for (const witness of outsideRestores(client, witnesses)) {
    const problem = witnessProblem(witness, first, head, hashAt.get(witness.id));
    if (problem === null) agreed += 1;
    else addProblem(problem);
  }
  return { rows, first, head: rows > 0 ? head : null, cutUpTo: anchor?.upTo ?? null, agreed, problems };
}

/** The last event that retention removed, and when; null when it removed none. */
export function newestCut(client: Sqlite.Database): { upTo: number; hash: string; at: number } | null {
  return newestData(client, EVENTS_CUT, cutData)[0] ?? null;
}

/** Whether events name the version of their encoding. Before 4.1.0 they do not: all are of version 1. */
export function hasEncodings(client: Sqlite.Database): boolean {
  const columns = client.prepare<[], string>("select name from pragma_table_info('events')").pluck().all();
  return columns.includes('encoding');
}

/** All events with their hashes, from the oldest on. Works with every schema since 4.0.0. */
export function readEvents(client: Sqlite.Database): Iterable<StoredEvent> {
  const encoding = hasEncodings(client) ? 'encoding' : String(ENCODING_WITH_MESSAGE);
  return client
    .prepare<[], StoredEvent>(
      `select ${encoding} as encoding, id, at, category, level, action, actor_kind as actorKind, actor, user_id as userId, address,
       host_id as hostId, host_name as hostName, command_id as commandId, outcome, message, data,
       prev_hash as prevHash, hash from events order by id`,
    )
    .iterate();
}

/** A crash during retention leaves rows before the anchor: the row that the anchor names proves them. */
function oldestEndProblem(
  before: ChainLink,
  anchor: { upTo: number; hash: string } | null,
  anchored: string | undefined,
): string | null {
  if (anchor === null || anchor.upTo < before.id) {
    const from = anchor === null ? 1 : anchor.upTo + 1;
    return `The oldest events are missing: ${from} to ${before.id} were not removed by retention.`;
  }
  const found = anchor.upTo === before.id ? before.hash : anchored;
  return found === anchor.hash
    ? null
    : `Event ${anchor.upTo} is not the one that retention named when it removed the oldest events.`;
}

function witnessProblem(
  witness: Witness,
  first: ChainLink | null,
  head: ChainLink,
  found: string | undefined,
): string | null {
  const noted = `${witness.source} has event ${witness.id}`;
  if (witness.id === CHAIN_START.id) return null;
  if (witness.id > head.id) return `The newest events are missing: ${noted}, but the last one is ${head.id}.`;
  if (first !== null && witness.id < first.id) return null;
  return found === witness.hash
    ? null
    : `${noted} with another hash: that event was edited, or the events were rewritten.`;
}

/** A witness of a history that a restore has replaced says nothing about this one. */
function outsideRestores(client: Sqlite.Database, witnesses: readonly Witness[]): Witness[] {
  const restores = newestData(client, DATABASE_RESTORED, restoredData);
  return witnesses.filter(
    ({ at }) => at === null || !restores.some(({ takenAt, restoredAt }) => at > takenAt && at <= restoredAt),
  );
}

/** Data and time of events with one action, newest first. Such events are of the category `system`, which is indexed. */
function newestData<T extends object>(
  client: Sqlite.Database,
  action: string,
  schema: z.ZodType<T>,
): (T & { at: number })[] {
  return client
    .prepare<[string], { at: number; data: string }>(
      "select at, data from events where category = 'system' and action = ? order by id desc",
    )
    .all(action)
    .flatMap(({ at, data }) => {
      try {
        const parsed = schema.safeParse(JSON.parse(data));
        return parsed.success ? [{ ...parsed.data, at }] : [];
      } catch {
        return [];
      }
    });
}
