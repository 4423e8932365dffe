/** The fleet's records in the database: implements `lib/fleet/records/store-port.ts`. Statements are prepared once. */
import { and, asc, desc, eq, gt, inArray, isNotNull, isNull, lt, sql } from 'drizzle-orm';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { Log } from '@/lib/log';
import { asDatabaseError, DatabaseError } from './store-errors';
import { prepareEventLog } from './event-log';
import type { Direct } from './later';
import type { Db } from './open-database';
import { createPipelineStore } from './pipeline-store';
import {
  fromCommandRow,
  fromGenerationsRow,
  fromHostRow,
  fromOutputRow,
  HOST_FIELDS_OF_ADOPTION,
  orElse,
  toCommandRow,
  toEventView,
  toGenerationsRow,
  toHostRow,
  toOutputJson,
  type CommandRow,
} from './rows';
import { commandOutput, commands, events, hostGenerations, hosts, metricSamples } from './schema';
import { prepareWriter } from './statements';
import { wellFormed } from './well-formed';
import type { CommandRecord, OutputBatch } from '@/lib/fleet/records/command-record';
import type { HostRecord } from '@/lib/fleet/records/host-record';
import type { EventFilter, FleetStore, FleetWrites } from '@/lib/fleet/records/store-port';
import { isDoneByHost } from '@/lib/fleet/operations/operation-rules';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import type { OutputLine } from '@/lib/protocol/live/views/output-line';

const MAX_EVENTS = 500;
/**
 * Most characters of output in one row, unless a single line is longer. A page is read from whole rows, so a large row
 * would be parsed again for each of its pages.
 */
const MAX_ROW_CHARACTERS = 256 * 1024;
const LOST_REASON = 'Its stored state could not be read, so its outcome is unknown.';

const eventViewColumns = {
  id: events.id,
  at: events.at,
  category: events.category,
  level: events.level,
  action: events.action,
  actor: events.actor,
  address: events.address,
  hostId: events.hostId,
  hostName: events.hostName,
  commandId: events.commandId,
  outcome: events.outcome,
  message: events.message,
  data: events.data,
  encoding: events.encoding,
};

/** Operations that a host does not run: they act on a command, or the dashboard runs them. */
const NOT_RUN_BY_HOST = Object.values(OPERATIONS)
  .filter((operation) => !isDoneByHost(operation))
  .map((operation) => operation.id);

/** Creates the store on an open database. Its methods throw a DatabaseError when the database refuses. */
export function createFleetStore(db: Db, { log }: { log: Log }): Direct<FleetStore> {
  const client = db.$client;
  const onUnreadable = (sentence: string) => log.error({ problem: sentence }, "stored value can't be read");

  const writeHost = prepareWriter(client, hosts, {
    key: ['id'],
    omit: ['importNote'],
    insertOnly: HOST_FIELDS_OF_ADOPTION,
  });
  const writeCommand = prepareWriter(client, commands, { key: ['id'], omit: ['importNote'] });
  const writeOutput = prepareWriter(client, commandOutput);
  const writeMetrics = prepareWriter(client, metricSamples, { key: ['hostId', 'at'] });
  const writeGenerations = prepareWriter(client, hostGenerations, { key: ['hostId'] });
  const appendEvents = prepareEventLog(client, onUnreadable);
  const pipelines = createPipelineStore(db, onUnreadable);
  const deleteHost = client.prepare<[string]>('delete from hosts where id = ?');
  // Output before its commands: a cascade would delete any amount of it in one step.
  const forgetRows = [
    `delete from metric_samples where rowid in (select rowid from metric_samples where host_id = ? limit ?)`,
    `delete from command_output where rowid in (select o.rowid from commands c
     join command_output o on o.command_id = c.id where c.host_id = ? limit ?)`,
    `delete from commands where rowid in (select rowid from commands where host_id = ? and outcome is not null limit ?)`,
  ].map((statement) => client.prepare<[string, number]>(statement));

  const lastBatchUpTo = client.prepare<[string, number], { lastSeq: number }>(
    `select last_seq as lastSeq from command_output where command_id = ? and first_seq <= ?
     order by first_seq desc limit 1`,
  );
  const batchesFrom = client.prepare<[string, string, number], { firstSeq: number; lastSeq: number; lines: string }>(
    `select first_seq as firstSeq, last_seq as lastSeq, lines from command_output where command_id = ? and first_seq >=
     coalesce((select max(first_seq) from command_output where command_id = ? and first_seq <= ?), 0) order by first_seq`,
  );
  const byId = db
    .select()
    .from(commands)
    .where(eq(commands.id, sql.placeholder('id')))
    .prepare();
  const byRequest = db
    .select()
    .from(commands)
    .where(and(eq(commands.hostId, sql.placeholder('hostId')), eq(commands.requestId, sql.placeholder('requestId'))))
    .prepare();
  const byHost = db
    .select()
    .from(commands)
    .where(eq(commands.hostId, sql.placeholder('hostId')))
    .orderBy(desc(commands.createdAt), sql`commands.rowid desc`)
    .limit(sql.placeholder('limit'))
    .prepare();

  /** By host, so that the index finds the few recent commands among any number of old ones. */
  const lastRequests = client.prepare<[{ operation: string; since: number }], { hostId: string; at: number }>(
    `select c.host_id as hostId, max(c.created_at) as at from hosts h
     cross join commands c on c.host_id = h.id
     where c.created_at >= :since and c.operation = :operation group by c.host_id`,
  );

  function readCommand(row: CommandRow): CommandRecord | null {
    return orElse(() => fromCommandRow(row), null, onUnreadable);
  }

  function writeBatch({ commandId, lines }: OutputBatch): void {
    const [first] = lines;
    if (!first) return;
    const lastSeq = first.seq + lines.length - 1;
    if (lines.some(({ seq }, index) => seq !== first.seq + index)) {
      throw new DatabaseError(
        'constraint',
        `Output of command ${commandId} has a gap in the batch from line ${first.seq}.`,
      );
    }
    // Stored batches do not overlap, so only the last one that begins before the end of this one can overlap it.
    const before = lastBatchUpTo.get(wellFormed(commandId), lastSeq);
    if (before && before.lastSeq >= first.seq) {
      throw new DatabaseError('constraint', `Output of command ${commandId} already has lines from ${first.seq} on.`);
    }
    for (const row of inRows(lines)) {
      const firstSeq = row[0]?.seq ?? first.seq;
      writeOutput({ commandId, firstSeq, lastSeq: firstSeq + row.length - 1, lines: toOutputJson(row) });
    }
  }

  const commit = client.transaction((writes: FleetWrites): EventView[] => {
    for (const host of writes.hosts ?? []) writeHost(toHostRow(host));
    for (const command of writes.commands ?? []) writeCommand(toCommandRow(command));
    for (const batch of writes.output ?? []) writeBatch(batch);
    for (const { hostId, at, metrics } of writes.metrics ?? []) writeMetrics({ hostId, at, ...metrics });
    for (const { hostId, list } of writes.systemGenerations ?? []) writeGenerations(toGenerationsRow(hostId, list));
    pipelines.write(writes.pipelines ?? [], writes.pipelineHosts ?? []);
    const added = appendEvents(writes.events ?? []);
    // Last, so that what the same commit wrote about a removed host is removed as well.
    for (const id of writes.removedHosts ?? []) deleteHost.run(wellFormed(id));
    return added;
  });

  const forgetSome = client.transaction((hostId: string, rows: number): number => {
    let deleted = 0;
    for (const statement of forgetRows) {
      if (deleted < rows) deleted += statement.run(hostId, rows - deleted).changes;
    }
    return deleted;
  });

  /** Commands that have not ended. One that can't be read can't be continued: it is stored as lost. */
  function unendedCommands(): CommandRecord[] {
    const found: CommandRecord[] = [];
    for (const row of db
      .select()
      .from(commands)
      .where(isNull(commands.outcome))
      .orderBy(asc(commands.createdAt), sql`commands.rowid`)
      .all()) {
      const command = readCommand(row);
      if (command) found.push(command);
      else endAsLost(row);
    }
    return found;
  }

  function endAsLost({ id, startedAt, createdAt }: CommandRow): void {
    const endedAt = startedAt ?? createdAt;
    const state = { phase: 'ended', at: endedAt, outcome: 'lost', exitCode: null, reason: LOST_REASON } as const;
    db.update(commands)
      .set({ phase: 'ended', outcome: 'lost', state: JSON.stringify(state), reason: LOST_REASON, endedAt })
      .where(eq(commands.id, id))
      .run();
  }

  /** The last command that each host ran: not a stop, which acts on another command, nor one that the dashboard ran. */
  function lastEndedCommands(): CommandRecord[] {
    const newestOfHost = sql`(select c.id from commands c where c.host_id = hosts.id and c.ended_at is not null
      and c.operation not in ${NOT_RUN_BY_HOST} and c.outcome not in ('cancelled', 'superseded') order by c.ended_at desc, c.rowid desc limit 1)`;
    return db
      .select()
      .from(commands)
      .where(and(isNotNull(commands.outcome), inArray(commands.id, sql`(select ${newestOfHost} from hosts)`)))
      .all()
      .flatMap((row) => readCommand(row) ?? []);
  }

  /** Runs database access; errors name the file and what to do. */
  function guarded<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw asDatabaseError(error, client.name);
    }
  }

  return {
    load() {
      return guarded(() => {
        const allHosts: HostRecord[] = db
          .select()
          .from(hosts)
          .all()
          .map((row) => fromHostRow(row, onUnreadable));
        return { hosts: allHosts, commands: unendedCommands(), lastEnded: lastEndedCommands() };
      });
    },
    commit(writes) {
      return guarded(() => commit.immediate(writes));
    },
    forgetSome(hostId, rows) {
      return guarded(() => forgetSome.immediate(wellFormed(hostId), rows));
    },
    systemGenerations(hostId) {
      return guarded(() => {
        const row = db
          .select()
          .from(hostGenerations)
          .where(eq(hostGenerations.hostId, wellFormed(hostId)))
          .get();
        return row ? orElse(() => fromGenerationsRow(row), null, onUnreadable) : null;
      });
    },
    command(id) {
      return guarded(() => {
        const row = byId.get({ id: wellFormed(id) });
        return row ? readCommand(row) : null;
      });
    },
    commandsByRequest(requestId, hostIds) {
      return guarded(() =>
        hostIds.flatMap((hostId) => {
          const row = byRequest.get({ requestId: wellFormed(requestId), hostId: wellFormed(hostId) });
          return (row && readCommand(row)) ?? [];
        }),
      );
    },
    requestsSince(operations, since) {
      return guarded(() =>
        operations.flatMap((operation) => lastRequests.all({ operation, since }).map((row) => ({ operation, ...row }))),
      );
    },
    commandsOf(hostId, limit) {
      return guarded(() => byHost.all({ hostId: wellFormed(hostId), limit }).flatMap((row) => readCommand(row) ?? []));
    },
    output(commandId, after, limit, maxCharacters = Infinity) {
      return guarded(() => {
        const lines: OutputLine[] = [];
        let characters = 0;
        if (limit < 1) return lines;
        const id = wellFormed(commandId);
        for (const row of batchesFrom.iterate(id, id, after + 1)) {
          for (const line of fromOutputRow(row, commandId, onUnreadable)) {
            if (line.seq <= after) continue;
            lines.push(line);
            characters += line.text.length;
            if (lines.length >= limit || characters >= maxCharacters) return lines;
          }
        }
        return lines;
      });
    },
    events({ before, hostId, category, limit }: EventFilter) {
      return guarded(() =>
        db
          .select(eventViewColumns)
          .from(events)
          .where(
            and(
              before === undefined ? undefined : lt(events.id, before),
              hostId === undefined ? undefined : eq(events.hostId, wellFormed(hostId)),
              category === undefined ? undefined : eq(events.category, category),
            ),
          )
          .orderBy(desc(events.id))
          .limit(eventLimit(limit))
          .all()
          .map((row) => toEventView(row, onUnreadable)),
      );
    },
    eventsAfter(id, limit) {
      return guarded(() =>
        db
          .select(eventViewColumns)
          .from(events)
          .where(gt(events.id, id))
          .orderBy(asc(events.id))
          .limit(eventLimit(limit))
          .all()
          .map((row) => toEventView(row, onUnreadable)),
      );
    },
    unendedPipelines: () => guarded(() => pipelines.unended()),
    pipeline: (id) => guarded(() => pipelines.byId(wellFormed(id))),
    pipelineByRequest: (requestId) => guarded(() => pipelines.byRequest(wellFormed(requestId))),
    pipelines: (limit) => guarded(() => pipelines.newest(limit)),
  };
}

/** How many events one answer has at most. */
function eventLimit(asked: number): number {
  return Math.min(Math.max(1, asked), MAX_EVENTS);
}

/** Splits the lines of a batch into rows. */
function inRows(lines: readonly OutputLine[]): OutputLine[][] {
  const rows: OutputLine[][] = [];
  let row: OutputLine[] = [];
  let characters = 0;
  for (const line of lines) {
    if (row.length > 0 && characters + line.text.length > MAX_ROW_CHARACTERS) {
      rows.push(row);
      row = [];
      characters = 0;
    }
    row.push(line);
    characters += line.text.length;
  }
  if (row.length > 0) rows.push(row);
  return rows;
}
