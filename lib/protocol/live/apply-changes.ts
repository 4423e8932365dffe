import type { HostView } from './views/host-view';
import type { PipelineHostView, PipelineView } from './views/pipeline-view';
import type { FleetChanges, HostPatch, PipelinePatch } from './changes';
import type { FleetView } from './views/fleet-view';

/** Applies changes to a view. Null when they are for another version of it: then send `resync`. */
export function applyChanges(view: FleetView, changes: FleetChanges): FleetView | null {
  if (changes.from !== view.version) return null;
  let hosts = view.hosts;
  if (changes.hosts?.length || changes.removed?.length) {
    const byId = new Map(hosts.map((host) => [host.id, host]));
    for (const id of changes.removed ?? []) byId.delete(id);
    for (const patch of changes.hosts ?? []) {
      const known = byId.get(patch.id);
      if (known) byId.set(patch.id, { ...known, ...patch });
      else if (isWholeHost(patch)) byId.set(patch.id, patch);
      else return null;
    }
    hosts = [...byId.values()];
  }
  const pipelines = patchPipelines(view.pipelines, changes);
  if (!pipelines) return null;
  return {
    epoch: view.epoch,
    version: changes.version,
    hosts,
    pipelines,
    desired: changes.desired ?? view.desired,
    updates: changes.updates ?? view.updates,
    notices: changes.notices ?? view.notices,
  };
}

function isWholeHost(patch: HostPatch): patch is HostView {
  return patch.compartments !== undefined && patch.name !== undefined;
}

function patchPipelines(known: PipelineView[], changes: FleetChanges): PipelineView[] | null {
  if (!changes.pipelines?.length && !changes.removedPipelines?.length) return known;
  const byId = new Map(known.map((pipeline) => [pipeline.id, pipeline]));
  for (const id of changes.removedPipelines ?? []) byId.delete(id);
  for (const patch of changes.pipelines ?? []) {
    const before = byId.get(patch.id);
    if (before) byId.set(patch.id, { ...before, ...patch, hosts: patchPipelineHosts(before.hosts, patch.hosts) });
    else if (isWholePipeline(patch)) byId.set(patch.id, patch);
    else return null;
  }
  return [...byId.values()];
}

function isWholePipeline(patch: PipelinePatch): patch is PipelineView {
  return patch.stages !== undefined && patch.hosts !== undefined;
}

/** Replaces the hosts of a pipeline that changed, and keeps the order. */
export function patchPipelineHosts(
  known: PipelineHostView[],
  changed: readonly PipelineHostView[] | undefined,
): PipelineHostView[] {
  if (!changed || changed.length === 0) return known;
  const byId = new Map(changed.map((host) => [host.hostId, host]));
  return known.map((host) => byId.get(host.hostId) ?? host);
}
