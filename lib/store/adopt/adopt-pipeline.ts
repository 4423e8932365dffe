/** Maps rows of the Go dashboard's pipelines, which have a list of hosts and one stage for all of them. */
import type { InferInsertModel } from 'drizzle-orm';
import { plainName, plainText } from '@/lib/text/plain-text';
import type { pipelineHosts, pipelines } from '../sqlite/schema';
import { pipelineEvent } from './adopt-event';
import type { AdoptedEvent, KnownHost } from './adopt-command';
import type { OldRow } from './old-row';
import type { OperationId } from '@/lib/protocol/operation-ids';

const MAX_ID = 64;
const MAX_STAGE = 100;

/** The four pipelines of the Go dashboard, by today's names. */
const KINDS: ReadonlyMap<string, { kind: string; stages: readonly OperationId[] }> = new Map<
  string,
  { kind: string; stages: readonly OperationId[] }
>([
  ['do-all', { kind: 'do-all', stages: ['pull', 'switch', 'test'] }],
  ['merge-deploy', { kind: 'merge-deploy', stages: ['merge-pr', 'pull', 'switch', 'test'] }],
  ['update-agent', { kind: 'custom', stages: ['update', 'pull', 'switch', 'restart'] }],
  ['force-update', { kind: 'force-rebuild', stages: ['force-update', 'restart'] }],
]);

const NOT_RECORDED = 'Its progress on this host was not recorded.';
const ENDS: ReadonlyMap<string, { outcome: string; reason: string; host: 'done' | 'skipped' }> = new Map<
  string,
  { outcome: string; reason: string; host: 'done' | 'skipped' }
>([
  ['COMPLETE', { outcome: 'succeeded', reason: 'It succeeded on every host.', host: 'done' }],
  ['PARTIAL', { outcome: 'partial', reason: 'It succeeded on some hosts.', host: 'skipped' }],
  ['FAILED', { outcome: 'failed', reason: 'It failed.', host: 'skipped' }],
  ['CANCELLED', { outcome: 'cancelled', reason: 'It was cancelled.', host: 'skipped' }],
  [
    'RUNNING',
    {
      outcome: 'cancelled',
      reason: 'It was running when the old dashboard was stopped, so its progress is unknown.',
      host: 'skipped',
    },
  ],
]);

export interface AdoptedPipeline {
  /** Null for an unknown name or result: the event then holds everything. */
  row: InferInsertModel<typeof pipelines> | null;
  hosts: InferInsertModel<typeof pipelineHosts>[];
  event: AdoptedEvent;
}

export interface PipelineContext {
  host(oldId: string): KnownHost | null;
  hasPipeline(id: string): boolean;
  now: number;
}

export function mapPipeline(row: OldRow, context: PipelineContext): AdoptedPipeline {
  const name = row.text('name', { max: 64 });
  const status = row.text('status', { max: 64 });
  const createdAt = row.time('created_at') ?? context.now;
  const endedAt = row.time('finished_at') ?? createdAt;
  const stage = row.integer('current_stage', 0, MAX_STAGE) ?? 0;
  const names = hostNames(row);
  const known = KINDS.get(name);
  const end = ENDS.get(status);
  if (!known) row.reject('name', 'is not a known pipeline: the row was kept as an event.');
  if (!end) row.reject('status', 'is not a known result of a pipeline: the row was kept as an event.');
  const value = row.take('id');
  const id = typeof value === 'string' && value === plainName(value, MAX_ID) ? value : '';
  if (id === '' || context.hasPipeline(id)) row.reject('id', 'can’t be used as an id: the row was kept as an event.');
  const event = pipelineEvent(row, name, status, endedAt);
  if (!known || !end || id === '' || context.hasPipeline(id)) return { row: null, hosts: [], event };

  // The key is pipeline and host: a host that is listed twice takes part once.
  const hosts = new Map<string, string>();
  for (const oldId of names) {
    const host = context.host(oldId);
    hosts.set(host?.id ?? oldId, host?.name ?? oldId);
  }
  return {
    event,
    row: {
      id,
      kind: known.kind,
      stages: JSON.stringify(known.stages),
      args: null,
      requestId: `adopted-${id}`,
      parallelism: Math.max(1, hosts.size),
      forced: false,
      phase: 'ended',
      outcome: end.outcome,
      reason: end.reason,
      userId: '',
      userName: 'not recorded',
      address: '',
      createdAt,
      endedAt,
    },
    hosts: [...hosts].map(([hostId, hostName], position) => ({
      pipelineId: id,
      hostId,
      hostName,
      position,
      stage: Math.min(stage, known.stages.length - 1),
      status: end.host,
      commandId: null,
      reason: end.host === 'done' ? '' : NOT_RECORDED,
    })),
  };
}

function hostNames(row: OldRow): string[] {
  const text = row.text('hosts', { max: 1_000_000 });
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((name): name is string => typeof name === 'string')) {
      return value.map((name) => plainText(name, 255));
    }
  } catch {
    // Reported below.
  }
  row.reject('hosts', 'is not a list of hosts.');
  return [];
}
