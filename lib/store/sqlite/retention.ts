/** Deletes old rows, in steps so small that no socket waits for them. */
import type Database from 'better-sqlite3';
import { readAdoptionTime } from './adoption-record';
import type { Db } from './open-database';
import { eventSteps, type EventLimits } from './event-retention';
import type { NewEvent } from '@/lib/fleet/records/event-record';

const DAY_MS = 86_400_000;
/** Bytes of a stored line besides its text: time, stream, brackets. */
const LINE_OVERHEAD_BYTES = 30;
const MAX_ROWS_PER_STEP = 2_000;
const MAX_COMMANDS_PER_STEP = 100;

export interface RetentionLimits extends EventLimits {
  /** Output of commands that ended longer ago is deleted. */
  outputDays: number;
  /** Limit of all stored output (characters plus an overhead per line); beyond it, the oldest output is deleted. */
  outputBytes: number;
  /** Commands that ended longer ago are deleted with their output; pipelines too. */
  commandDays: number;
  metricDays: number;
  /** Sessions that expired longer ago are deleted. */
  sessionDays: number;
}

export const DEFAULT_RETENTION: RetentionLimits = {
  outputDays: 30,
  outputBytes: 2 * 1024 ** 3,
  commandDays: 180,
  metricDays: 90,
  sessionDays: 30,
  eventDays: 400,
  eventRows: 1_000_000,
};

export interface RetentionStep {
  table: 'command_output' | 'commands' | 'pipelines' | 'pipeline_hosts' | 'metric_samples' | 'sessions' | 'events';
  /** Rows that this step deleted, at most 2,000. */
  rows: number;
}

/** One pass: each `next()` is one short transaction. Ends when nothing exceeds its limit. */
export function* retentionSteps(
  db: Db,
  limits: RetentionLimits,
  now: number,
  record: (event: NewEvent) => void,
): Generator<RetentionStep, void> {
  const client = db.$client;
  const adoptedAt = readAdoptionTime(client);
  // The age of adopted rows counts from the adoption: otherwise the first hour would delete the old history.
  const before = (days: number) => {
    const at = now - days * DAY_MS;
    return adoptedAt !== null && at < adoptedAt ? 0 : at;
  };
  yield* outputSteps(client, before(limits.outputDays), limits.outputBytes);
  yield* commandSteps(client, before(limits.commandDays));
  yield* pipelineSteps(client, before(limits.commandDays));
  yield* metricSteps(client, before(limits.metricDays));
  const sessions = client.prepare<[number, number]>(
    'delete from sessions where rowid in (select rowid from sessions where expires_at < ? limit ?)',
  );
  yield* repeat('sessions', () => sessions.run(now - limits.sessionDays * DAY_MS, MAX_ROWS_PER_STEP).changes);
  for (const rows of eventSteps(client, limits, { now, tooOld: before(limits.eventDays) }, record))
    yield { table: 'events', rows };
}

function* outputSteps(
  client: Database.Database,
  endedBefore: number,
  maxBytes: number,
): Generator<RetentionStep, void> {
  const total = client
    .prepare<[number], number>(
      `select coalesce(sum(output_size + lines * ?), 0) from commands
       where ended_at is not null and output_size > 0`,
    )
    .pluck();
  const oldest = client.prepare<[number], { id: string; endedAt: number; bytes: number }>(
    `select id, ended_at as endedAt, output_size + lines * ${LINE_OVERHEAD_BYTES} as bytes from commands
     where ended_at is not null and output_size > 0 order by ended_at limit ?`,
  );
  const forget = client.prepare<[string]>(
    'update commands set output_size = 0 where id in (select value from json_each(?))',
  );
  const deleteOutput = prepareOutputDelete(client);
  const clear = client.transaction((ids: readonly string[]) => {
    const rows = deleteOutput(ids);
    const finished = rows < MAX_ROWS_PER_STEP;
    if (finished) forget.run(JSON.stringify(ids));
    return { rows, finished };
  });
  let excess = (total.get(LINE_OVERHEAD_BYTES) ?? 0) - maxBytes;

  for (;;) {
    const ids: string[] = [];
    for (const { id, endedAt, bytes } of oldest.all(MAX_COMMANDS_PER_STEP)) {
      if (endedAt >= endedBefore && excess <= 0) break;
      ids.push(id);
      excess -= bytes;
    }
    if (ids.length === 0) return;
    for (;;) {
      const { rows, finished } = clear.immediate(ids);
      yield { table: 'command_output', rows };
      if (finished) break;
    }
  }
}

function* commandSteps(client: Database.Database, endedBefore: number): Generator<RetentionStep, void> {
  const hostIds = client.prepare<[], string>('select id from hosts').pluck().all();
  const old = client
    .prepare<[string, number, number], string>(
      'select id from commands where host_id = ? and ended_at < ? order by ended_at limit ?',
    )
    .pluck();
  const deleteCommands = client.prepare<[string]>('delete from commands where id in (select value from json_each(?))');
  const deleteOutput = prepareOutputDelete(client);
  for (const hostId of hostIds) {
    for (;;) {
      const ids = old.all(hostId, endedBefore, MAX_ROWS_PER_STEP);
      if (ids.length === 0) break;
      // Output first: a cascade would delete any number of rows at once.
      const output = deleteOutput(ids);
      if (output > 0) yield { table: 'command_output', rows: output };
      if (output < MAX_ROWS_PER_STEP)
        yield { table: 'commands', rows: deleteCommands.run(JSON.stringify(ids)).changes };
    }
  }
}

/** One pipeline after the other, its hosts first: a cascade would delete thousands of rows at once. */
function* pipelineSteps(client: Database.Database, endedBefore: number): Generator<RetentionStep, void> {
  const oldest = client
    .prepare<[number], string>('select id from pipelines where ended_at < ? order by created_at limit 1')
    .pluck();
  const deleteHosts = client.prepare<[string, number]>(
    'delete from pipeline_hosts where rowid in (select rowid from pipeline_hosts where pipeline_id = ? limit ?)',
  );
  const deletePipeline = client.prepare<[string]>('delete from pipelines where id = ?');
  for (let id = oldest.get(endedBefore); id !== undefined; id = oldest.get(endedBefore)) {
    const pipelineId = id;
    yield* repeat('pipeline_hosts', () => deleteHosts.run(pipelineId, MAX_ROWS_PER_STEP).changes);
    yield { table: 'pipelines', rows: deletePipeline.run(pipelineId).changes };
  }
}

/** Host by host, in the order of the table; hosts with nothing to delete share a step. */
function* metricSteps(client: Database.Database, before: number): Generator<RetentionStep, void> {
  const hostIds = client.prepare<[], string>('select id from hosts').pluck().all();
  const statement = client.prepare<[string, number, number]>(
    `delete from metric_samples where rowid in
     (select rowid from metric_samples where host_id = ? and at < ? order by at limit ?)`,
  );
  for (const hostId of hostIds) {
    yield* repeat('metric_samples', () => statement.run(hostId, before, MAX_ROWS_PER_STEP).changes);
  }
}

function prepareOutputDelete(client: Database.Database): (commandIds: readonly string[]) => number {
  const statement = client.prepare<[string, number]>(
    `delete from command_output where rowid in (select rowid from command_output
     where command_id in (select value from json_each(?)) limit ?)`,
  );
  return (commandIds) => statement.run(JSON.stringify(commandIds), MAX_ROWS_PER_STEP).changes;
}

function* repeat(table: RetentionStep['table'], deleteSome: () => number): Generator<RetentionStep, void> {
  for (;;) {
    const rows = deleteSome();
    if (rows > 0) yield { table, rows };
    if (rows < MAX_ROWS_PER_STEP) return;
  }
}
