/** Pipelines as rows, both ways: the part of the fleet's store that stores them. */
import { asc, eq, isNull, sql, desc } from 'drizzle-orm';
import { z } from 'zod';
import {
  pipelineKindSchema,
  pipelineOutcomeSchema,
  pipelineStagesSchema,
  pipelineStateSchema,
  pipelineStepsSchema,
  type PipelineCounts,
  type PipelineHostRecord,
  type PipelineRecord,
  type PipelineRun,
} from '@/lib/fleet/records/pipeline-state';
import type { Db } from './open-database';
import { orElse, parseJson, parseValue, type OnUnreadable } from './rows';
import { pipelineHosts, pipelines } from './schema';
import { prepareWriter } from './statements';

const MAX_PIPELINES = 500;
const UNREADABLE = 'Its stored state could not be read, so its progress is unknown.';

const args = z.record(z.string(), z.unknown());

type PipelineRow = typeof pipelines.$inferSelect;
type PipelineHostRow = typeof pipelineHosts.$inferSelect;

export interface PipelineStore {
  /** Part of a transaction of the fleet's store. */
  write(records: readonly PipelineRecord[], hosts: readonly PipelineHostRecord[]): void;
  unended(): PipelineRun[];
  byId(id: string): PipelineRun | null;
  byRequest(requestId: string): PipelineRun | null;
  newest(limit: number): { pipeline: PipelineRecord; counts: PipelineCounts }[];
}

/** Its methods throw what the database throws; the fleet's store turns that into a DatabaseError. */
export function createPipelineStore(db: Db, onUnreadable: OnUnreadable): PipelineStore {
  const writePipeline = prepareWriter(db.$client, pipelines, { key: ['id'] });
  const writeHost = prepareWriter(db.$client, pipelineHosts, { key: ['pipelineId', 'hostId'] });
  const hostsOf = db
    .select()
    .from(pipelineHosts)
    .where(eq(pipelineHosts.pipelineId, sql.placeholder('id')))
    .orderBy(asc(pipelineHosts.position))
    .prepare();
  const countsOf = db
    .select({ status: pipelineHosts.status, hosts: sql<number>`count(*)` })
    .from(pipelineHosts)
    .where(eq(pipelineHosts.pipelineId, sql.placeholder('id')))
    .groupBy(pipelineHosts.status)
    .prepare();

  const readRecord = (row: PipelineRow) => orElse(() => fromPipelineRow(row), null, onUnreadable);

  function withHosts(row: PipelineRow | undefined): PipelineRun | null {
    const pipeline = row && readRecord(row);
    if (!pipeline) return null;
    return { pipeline, hosts: hostsOf.all({ id: pipeline.id }).map((host) => fromHostRow(host, onUnreadable)) };
  }

  /** A pipeline that can't be read can't be continued: it is stored as failed. */
  function endUnreadable({ id, createdAt }: PipelineRow): void {
    db.update(pipelines)
      .set({ phase: 'ended', outcome: 'failed', reason: UNREADABLE, endedAt: createdAt })
      .where(eq(pipelines.id, id))
      .run();
  }

  return {
    write(records, hosts) {
      for (const record of records) writePipeline(toPipelineRow(record));
      for (const host of hosts) writeHost({ ...host, steps: JSON.stringify(host.steps) });
    },
    unended() {
      const rows = db
        .select()
        .from(pipelines)
        .where(isNull(pipelines.outcome))
        .orderBy(asc(pipelines.createdAt), sql`pipelines.rowid`)
        .all();
      return rows.flatMap((row) => {
        const run = withHosts(row);
        if (!run) endUnreadable(row);
        return run ?? [];
      });
    },
    byId: (id) => withHosts(db.select().from(pipelines).where(eq(pipelines.id, id)).get()),
    byRequest: (requestId) => withHosts(db.select().from(pipelines).where(eq(pipelines.requestId, requestId)).get()),
    newest(limit) {
      return db
        .select()
        .from(pipelines)
        .orderBy(desc(pipelines.createdAt), sql`pipelines.rowid desc`)
        .limit(Math.min(Math.max(1, limit), MAX_PIPELINES))
        .all()
        .flatMap((row) => {
          const pipeline = readRecord(row);
          if (!pipeline) return [];
          const counts: PipelineCounts = {
            waiting: 0,
            running: 0,
            done: 0,
            failed: 0,
            'rolled-back': 0,
            refused: 0,
            skipped: 0,
          };
          for (const { status, hosts } of countsOf.all({ id: pipeline.id })) counts[status] = hosts;
          return [{ pipeline, counts }];
        });
    },
  };
}

function toPipelineRow(record: PipelineRecord): PipelineRow {
  return {
    ...record,
    stages: JSON.stringify(record.stages),
    args: record.args === null ? null : JSON.stringify(record.args),
    state: JSON.stringify(record.state),
  };
}

function fromPipelineRow(row: PipelineRow): PipelineRecord {
  return {
    ...row,
    kind: parseValue(pipelineKindSchema, row.kind, 'pipelines', row.id, 'kind'),
    stages: parseJson(pipelineStagesSchema, row.stages, 'pipelines', row.id, 'stages'),
    args: row.args === null ? null : parseJson(args, row.args, 'pipelines', row.id, 'args'),
    state: parseJson(pipelineStateSchema, row.state, 'pipelines', row.id, 'state'),
    outcome: parseValue(pipelineOutcomeSchema, row.outcome, 'pipelines', row.id, 'outcome'),
  };
}

/** A host whose steps can't be read has failed, because its progress is unknown. */
function fromHostRow(row: PipelineHostRow, onUnreadable: OnUnreadable): PipelineHostRecord {
  const read = () =>
    parseJson(pipelineStepsSchema, row.steps, 'pipeline_hosts', `${row.pipelineId}/${row.hostId}`, 'steps');
  const steps = orElse(read, null, onUnreadable);
  if (steps) return { ...row, steps };
  const status = row.status === 'waiting' || row.status === 'running' ? 'failed' : row.status;
  return { ...row, steps: [], status, reason: row.reason === '' ? UNREADABLE : row.reason };
}
