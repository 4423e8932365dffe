/**
 * Verifies the stored chains of events from their oldest rows to their newest. The hashes reveal rows that were changed,
 * moved or removed in between. At the oldest end, retention leaves an anchor: an event that names the last row it removed
 * from a chain. The newest end is compared with SQLite's counter of ids and with witnesses outside the file (manifests of
 * backups, lines of the log). Whoever can write the file, the backups and the log can forge the whole history.
 *
 * The ids of both chains have no gaps together, except up to the last row that retention removed. There, rows that were
 * removed from the newest end of a chain are noticed as well: the anchors are events of `main`, newer than what they name,
 * and one for `main` names the newest event that `peers` had then.
 */
import { z } from 'zod';
import type Sqlite from 'better-sqlite3';
import { EVENT_CHAINS, type EventChain } from '@/lib/fleet/events/event-kind';
import type { EventCode } from '@/lib/fleet/events/event-table';
import {
  CHAIN_START,
  contentProblem,
  ENCODING_WITH_MESSAGE,
  isEventChain,
  notFollowing,
  type ChainedRow,
  type ChainLink,
} from './event-chain';
import { eventColumns } from './event-columns';

/** The action of the event that retention records when it removes the oldest events. */
export const EVENTS_CUT = 'events.cut' satisfies EventCode;
/** The action of the event that a restore records. */
export const DATABASE_RESTORED = 'database.restored' satisfies EventCode;

/** A link of a chain that was noted outside the database. */
export interface Witness extends ChainLink {
  chain: EventChain;
  /** Where it was noted, as words for a sentence. */
  source: string;
  /** When it was noted, epoch milliseconds; null when that is not known. */
  at: number | null;
}

export interface ChainReport {
  /** Number of events read. */
  rows: number;
  first: ChainLink | null;
  /** The newest link: note it outside the database. */
  head: ChainLink | null;
  /** Id of the last event that retention removed; null when it removed none. */
  cutUpTo: number | null;
}

export interface AuditReport {
  /** Number of events read, of all chains. */
  rows: number;
  chains: Readonly<Record<EventChain, ChainReport>>;
  /** Number of witnesses that match the events. */
  agreed: number;
  /** At most 20 sentences; empty when the chains are intact. */
  problems: readonly string[];
}

/** The last event of a chain that retention removed, and what its anchor says besides. */
export interface Cut {
  upTo: number;
  hash: string;
  /** When it was removed. */
  at: number;
  /** The newest links of other chains then. */
  heads: readonly (ChainLink & { chain: EventChain })[];
}

const MAX_PROBLEMS = 20;

const chainName = z.enum(EVENT_CHAINS);
const restoredData = z.object({ takenAt: z.number(), restoredAt: z.number() });
/** What happened after `takenAt`, up to `restoredAt`, was replaced by a restore. */
export type Restore = z.infer<typeof restoredData>;
const cutData = z.object({
  upTo: z.int(),
  hash: z.string(),
  chain: chainName.default('main'),
  heads: z.array(z.object({ chain: chainName, id: z.int(), hash: z.string() })).default([]),
  cuts: z.array(z.object({ chain: chainName, upTo: z.int(), hash: z.string(), at: z.number() })).default([]),
  restores: z.array(restoredData).default([]),
});

/** The state of the check of one chain. */
interface Checked {
  rows: number;
  first: ChainLink | null;
  head: ChainLink;
  cut: Cut | null;
  /** A problem before its next row has been reported: that row need not follow the one before it. */
  hasGap: boolean;
}

/** Reads all events. Takes about a second for 200,000 of them. */
export function auditEvents(client: Sqlite.Database, witnesses: readonly Witness[] = []): AuditReport {
  const problems: string[] = [];
  const addProblem = (problem: string | null): void => {
    if (problem !== null && problems.length < MAX_PROBLEMS) problems.push(problem);
  };
  const checkedOf = (chain: EventChain): Checked => {
    return { rows: 0, first: null, head: CHAIN_START, cut: newestCut(client, chain), hasGap: false };
  };
  const checked = { main: checkedOf('main'), peers: checkedOf('peers') };
  const { hasChain } = eventColumns(client);
  const chainOfRow = hasChain ? 'chain' : "'main'";
  const hashAt = client
    .prepare<[number, string], string>(`select hash from events where id = ? and ${chainOfRow} = ?`)
    .pluck();

  const cutUpTo = Math.max(0, ...Object.values(checked).map(({ cut }) => cut?.upTo ?? 0));
  let lastId = 0;
  for (const row of readEvents(client)) {
    if (row.id > lastId + 1 && row.id - 1 > cutUpTo) {
      addProblem(lastId === 0 ? oldestMissing(cutUpTo, row.id) : `Event ${Math.max(lastId, cutUpTo) + 1} is missing.`);
      for (const chain of EVENT_CHAINS) checked[chain].hasGap = true;
    }
    lastId = row.id;
    const { chain } = row;
    const state = isEventChain(chain) ? checked[chain] : null;
    const changed = contentProblem(row);
    addProblem(changed);
    const isPlaced = changed === null || (state?.first != null && row.prevHash === state.head.hash);
    if (state !== null && isPlaced) {
      if (state.first === null) addProblem(oldestEndProblem(row, state, (id) => hashAt.get(id, chain)));
      else if (row.prevHash !== state.head.hash && !state.hasGap) addProblem(notFollowing(row.id));
      state.hasGap = false;
    } else {
      // It may be of another chain: what it says of its place proves nothing.
      for (const each of EVENT_CHAINS) checked[each].hasGap = true;
    }
    if (state === null) continue;
    state.rows += 1;
    state.head = { id: row.id, hash: row.hash };
    state.first ??= state.head;
  }

  const counted = client
    .prepare<[], number>("select coalesce((select seq from sqlite_sequence where name = 'events'), 0)")
    .pluck()
    .get();
  if (counted !== undefined && counted > lastId) {
    addProblem(`The newest events are missing: ${counted} were written, but the last one is ${lastId}.`);
  }
  for (const { chain, ...link } of checked.main.cut?.heads ?? []) {
    const source = 'the anchor of retention';
    addProblem(witnessProblem({ ...link, chain, source, at: null }, checked[chain], hashAt.get(link.id, chain)));
  }
  let agreed = 0;
  for (const witness of outsideRestores(client, witnesses)) {
    const problem = witnessProblem(witness, checked[witness.chain], hashAt.get(witness.id, witness.chain));
    if (problem === null) agreed += 1;
    else addProblem(problem);
  }
  return {
    rows: checked.main.rows + checked.peers.rows,
    chains: { main: reportOf(checked.main), peers: reportOf(checked.peers) },
    agreed,
    problems,
  };
}

function reportOf({ rows, first, head, cut }: Checked): ChainReport {
  return { rows, first, head: rows > 0 ? head : null, cutUpTo: cut?.upTo ?? null };
}

/**
 * The last event of a chain that retention removed; null when it removed none. Its anchor, or an anchor of `main` that
 * repeats it: cutting `main` deletes anchors.
 */
export function newestCut(client: Sqlite.Database, chain: EventChain): Cut | null {
  for (const { cuts, ...cut } of newestData(client, EVENTS_CUT, cutData)) {
    if (cut.chain === chain) return cut;
    const repeated = cuts.find((other) => other.chain === chain);
    if (repeated) return { ...repeated, heads: [] };
  }
  return null;
}

/** All events with their hashes, from the oldest on. Works with every schema since 4.0.0. */
export function readEvents(client: Sqlite.Database): Iterable<ChainedRow> {
  const { hasEncoding, hasChain } = eventColumns(client);
  const encoding = hasEncoding ? 'encoding' : String(ENCODING_WITH_MESSAGE);
  return client
    .prepare<[], ChainedRow>(
      `select ${encoding} as encoding, ${hasChain ? 'chain' : "'main'"} as chain, id, at, category, level, action,
       actor_kind as actorKind, actor, user_id as userId, address,
       host_id as hostId, host_name as hostName, command_id as commandId, outcome, message, data,
       prev_hash as prevHash, hash from events order by id`,
    )
    .iterate();
}

const oldestMissing = (cutUpTo: number, firstId: number): string =>
  `The oldest events are missing: ${cutUpTo + 1} to ${firstId - 1} were not removed by retention.`;

/**
 * The problem of the first row of a chain. A crash during retention leaves rows before the anchor: the row that the anchor
 * names proves them. `hashOf`: the hash of an event of this chain.
 */
function oldestEndProblem(
  row: ChainedRow,
  { cut, hasGap }: Pick<Checked, 'cut' | 'hasGap'>,
  hashOf: (id: number) => string | undefined,
): string | null {
  // The chain begins with it: nothing has been removed yet.
  if (row.prevHash === CHAIN_START.hash && (cut === null || cut.upTo >= row.id)) return null;
  if (cut !== null && cut.upTo >= row.id) return hashOf(cut.upTo) === cut.hash ? null : notNamed(cut);
  if (row.prevHash === cut?.hash || hasGap) return null;
  if (cut !== null && cut.upTo === row.id - 1) return notNamed(cut);
  return row.id === 1 ? notFollowing(row.id) : oldestMissing(cut?.upTo ?? 0, row.id);
}

const notNamed = ({ upTo }: Cut): string =>
  `Event ${upTo} is not the one that retention named when it removed the oldest events.`;

function witnessProblem(witness: Witness, { first, head }: Checked, found: string | undefined): string | null {
  const noted = `${witness.source} names event ${witness.id}`;
  if (witness.id === CHAIN_START.id) return null;
  if (witness.id > head.id) return `The newest events are missing: ${noted}, but the last one is ${head.id}.`;
  if (first !== null && witness.id < first.id) return null;
  return found === witness.hash
    ? null
    : `${noted} with another hash: that event was edited, or the events were rewritten.`;
}

/**
 * All restores, the oldest first: those with a stored event, and those that an anchor repeats because retention deleted
 * their events. Those that replaced overlapping times are one.
 */
export function knownRestores(client: Sqlite.Database): Restore[] {
  const all = [
    ...newestData(client, DATABASE_RESTORED, restoredData),
    ...newestData(client, EVENTS_CUT, cutData).flatMap(({ restores }) => restores),
  ].sort((a, b) => a.takenAt - b.takenAt);
  const merged: Restore[] = [];
  for (const { takenAt, restoredAt } of all) {
    const last = merged.at(-1);
    if (last !== undefined && takenAt <= last.restoredAt) last.restoredAt = Math.max(last.restoredAt, restoredAt);
    else merged.push({ takenAt, restoredAt });
  }
  return merged;
}

/** A witness of a history that a restore has replaced says nothing about this one. */
function outsideRestores(client: Sqlite.Database, witnesses: readonly Witness[]): Witness[] {
  const restores = knownRestores(client);
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
