/** Merging of changes, so that a browser that fell behind gets fewer, fresher batches. Pure. */
import type { FleetChanges, HostPatch } from '@/lib/protocol/live';

/** Events that one batch carries at most; of more, the newest. */
export const MAX_EVENTS_IN_BATCH = 200;

/** One batch that does what all of these do in order. They have to follow each other without a gap. */
export function mergeChanges(batches: readonly FleetChanges[]): FleetChanges | null {
  const first = batches[0];
  const last = batches.at(-1);
  if (!first || !last) return null;
  const hosts = new Map<string, HostPatch>();
  const removed = new Set<string>();
  const merged: FleetChanges = { from: first.from, version: last.version };
  const events = [];
  for (const batch of batches) {
    for (const id of batch.removed ?? []) {
      hosts.delete(id);
      removed.add(id);
    }
    for (const patch of batch.hosts ?? []) {
      hosts.set(patch.id, { ...hosts.get(patch.id), ...patch });
    }
    if (batch.desired) merged.desired = batch.desired;
    if (batch.updates) merged.updates = batch.updates;
    if (batch.notices) merged.notices = batch.notices;
    if (batch.events) events.push(...batch.events);
  }
  if (hosts.size > 0) merged.hosts = [...hosts.values()];
  if (removed.size > 0) merged.removed = [...removed];
  if (events.length > 0) merged.events = events.slice(-MAX_EVENTS_IN_BATCH);
  return merged;
}
