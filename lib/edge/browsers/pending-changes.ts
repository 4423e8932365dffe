/** Merges changes, so that a browser that fell behind gets fewer, fresher batches. Pure. */
import { patchPipelineHosts } from '@/lib/protocol/live/apply-changes';
import type { FleetChanges, HostPatch, PipelinePatch } from '@/lib/protocol/live/changes';

/** Most events in one batch; of more, the newest are kept. */
export const MAX_EVENTS_IN_BATCH = 200;

/** Returns one batch with the effect of all of these in order. They must follow each other without a gap. */
export function mergeChanges(batches: readonly FleetChanges[]): FleetChanges | null {
  const first = batches[0];
  const last = batches.at(-1);
  if (!first || !last) return null;
  const hosts = new Map<string, HostPatch>();
  const removed = new Set<string>();
  const merged: FleetChanges = { from: first.from, version: last.version };
  const pipelines = new Map<string, PipelinePatch>();
  const removedPipelines = new Set<string>();
  const events = [];
  for (const batch of batches) {
    for (const id of batch.removed ?? []) {
      hosts.delete(id);
      removed.add(id);
    }
    for (const patch of batch.hosts ?? []) {
      hosts.set(patch.id, { ...hosts.get(patch.id), ...patch });
    }
    for (const id of batch.removedPipelines ?? []) {
      pipelines.delete(id);
      removedPipelines.add(id);
    }
    for (const patch of batch.pipelines ?? []) {
      pipelines.set(patch.id, mergePipeline(pipelines.get(patch.id), patch));
    }
    if (batch.desired) merged.desired = batch.desired;
    if (batch.updates) merged.updates = batch.updates;
    if (batch.notices) merged.notices = batch.notices;
    if (batch.events) events.push(...batch.events);
  }
  if (hosts.size > 0) merged.hosts = [...hosts.values()];
  if (removed.size > 0) merged.removed = [...removed];
  if (pipelines.size > 0) merged.pipelines = [...pipelines.values()];
  if (removedPipelines.size > 0) merged.removedPipelines = [...removedPipelines];
  if (events.length > 0) merged.events = events.slice(-MAX_EVENTS_IN_BATCH);
  return merged;
}

/** Hosts of the later patch replace the same hosts of the earlier one; others are added. */
function mergePipeline(before: PipelinePatch | undefined, after: PipelinePatch): PipelinePatch {
  if (!before) return after;
  const known = before.hosts ?? [];
  const ids = new Set(known.map((host) => host.hostId));
  const added = after.hosts?.filter((host) => !ids.has(host.hostId)) ?? [];
  return { ...before, ...after, hosts: [...patchPipelineHosts(known, after.hosts), ...added] };
}
