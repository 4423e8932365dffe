/**
 * Verifies the stored chain of events from its oldest row to its newest: what was changed, moved or taken out in between
 * shows by itself. Of the oldest end, retention keeps an anchor: an event of its own that names the last row it cut.
 * That the newest end is whole is told by SQLite's own counter of ids, and by witnesses outside of the file (manifests
 * of backups, lines of the log); whoever can write file, backups and log alike can write another history.
 */
import { z } from 'zod';
import type Sqlite from 'better-sqlite3';
import { CHAIN_START, verifyChain, type ChainedEvent, type ChainLink } from './event-chain';

/** The action of the event that retention leaves when it cuts the oldest end. */
export const EVENTS_CUT = 'events.cut';
/** The action of the event that a restore leaves. */
export const DATABASE_RESTORED = 'database.restored';

/** A link of the chain that was noted elsewhere. */
export interface Witness extends ChainLink {
  /** Where it was noted, for people. */
  source: string;
  /** When; null when that is not known. */
  at: number | null;
}

export interface AuditReport {
  /** Rows that were read. */
  rows: number;
  first: ChainLink | null;
  /** The newest link; worth noting elsewhere. */
  head: ChainLink | null;
  /** The last event that retention cut; null when it cut nothing. */
  cutUpTo: number | null;
  /** Witnesses that the rows agree with. */
  agreed: number;
  /** Sentences, at most 20. None: the chain holds. */
  problems: readonly string[];
}

const MAX_PROBLEMS = 20;

const cutData = z.object({ upTo: z.int(), hash: z.string() });
const restoredData = z.object({ takenAt: z.number(), restoredAt: z.number() });

type StoredEvent = ChainedEvent & { prevHash: string; hash: string };

/** Reads all events of a database of ours. Takes about a second for 200,000 of them. */
export function auditEvents(client: Sqlite.Database, witnesses: readonly Witness[] = []): AuditReport {
  const problems: string[] = [];
  const complain = (problem: string): void => {
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
        if (problem !== null) complain(problem);
      }
    }
    const verdict = verifyChain([row], head);
    if (verdict.kind === 'broken') complain(verdict.reason);
    head = { id: row.id, hash: row.hash };
  }

  const counted = client
    .prepare<[], number>("select coalesce((select seq from sqlite_sequence where name = 'events'), 0)")
    .pluck()
    .get();
  if (counted !== undefined && counted > head.id) {
    complain(`The newest events are missing: ${counted} were written, the last one that is there is ${head.id}.`);
  }
  let agreed = 0;
  for (const witness of outsideRestores(client, witnesses)) {
    const problem = witnessProblem(witness, first, head, hashAt.get(witness.id));
    if (problem === null) agreed += 1;
    else complain(problem);
  }
  return { rows, first, head: rows > 0 ? head : null, cutUpTo: anchor?.upTo ?? null, agreed, problems };
}

/** What retention cut last, and when; null when it cut nothing. */
export function newestCut(client: Sqlite.Database): { upTo: number; hash: string; at: number } | null {
  return newestData(client, EVENTS_CUT, cutData)[0] ?? null;
}

function readEvents(client: Sqlite.Database): Iterable<StoredEvent> {
  return client
    .prepare<[], StoredEvent>(
      `select id, at, category, level, action, actor_kind as actorKind, actor, user_id as userId, address,
       host_id as hostId, host_name as hostName, command_id as commandId, outcome, message, data,
       prev_hash as prevHash, hash from events order by id`,
    )
    .iterate();
}

/** A cut that a crash interrupted leaves rows before its anchor: they are proven by the row that the anchor names. */
function oldestEndProblem(
  before: ChainLink,
  anchor: { upTo: number; hash: string } | null,
  anchored: string | undefined,
): string | null {
  if (anchor === null || anchor.upTo < before.id) {
    const from = anchor === null ? 1 : anchor.upTo + 1;
    return `The oldest events are missing: ${from} to ${before.id} were not cut by retention.`;
  }
  const found = anchor.upTo === before.id ? before.hash : anchored;
  return found === anchor.hash
    ? null
    : `Event ${anchor.upTo} is not the one that retention named when it cut the oldest events.`;
}

function witnessProblem(
  witness: Witness,
  first: ChainLink | null,
  head: ChainLink,
  found: string | undefined,
): string | null {
  const noted = `${witness.source} has event ${witness.id}`;
  if (witness.id === CHAIN_START.id) return null;
  if (witness.id > head.id) return `The newest events are missing: ${noted}, the last one that is there is ${head.id}.`;
  if (first !== null && witness.id < first.id) return null;
  return found === witness.hash ? null : `${noted} with another hash: the events were written anew, or it was edited.`;
}

/** What was noted of a history that a restore replaced says nothing about this one. */
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
