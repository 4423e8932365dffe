/**
 * What an actor sees of the fleet: views without the hosts that `sees` denies. An event of a hidden host and a live pipeline
 * with one are hidden as a whole, because their texts and counts would reveal the host. Where nothing is hidden, the
 * argument itself is returned.
 */
import type { FleetChanges } from '@/lib/protocol/live/changes';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import type { FleetView } from '@/lib/protocol/live/views/fleet-view';
import type { PipelineView } from '@/lib/protocol/live/views/pipeline-view';

/** Whether a host is visible. */
export type Sees = (hostId: string) => boolean;

/** Events of pipelines name no host: like others without one, they follow the permission for the fleet. */
export function isVisibleEvent({ hostId }: Pick<EventView, 'hostId'>, sees: Sees): boolean {
  return hostId === null || sees(hostId);
}

export function isVisiblePipeline({ hosts }: Pick<PipelineView, 'hosts'>, sees: Sees): boolean {
  return hosts.every(({ hostId }) => sees(hostId));
}

export function visibleFleet(fleet: FleetView, sees: Sees): FleetView {
  const hosts = kept(fleet.hosts, ({ id }) => sees(id));
  const pipelines = kept(fleet.pipelines, (pipeline) => isVisiblePipeline(pipeline, sees));
  return hosts === fleet.hosts && pipelines === fleet.pipelines ? fleet : { ...fleet, hosts, pipelines };
}

/** `hostsOf`: ids of all hosts of a pipeline, because a change holds only those that changed; null when it is not kept. */
export function visibleChanges(
  changes: FleetChanges,
  sees: Sees,
  hostsOf: (pipelineId: string) => readonly string[] | null,
): FleetChanges {
  const { hosts, removed, events, pipelines } = changes;
  const seen = {
    hosts: hosts && kept(hosts, ({ id }) => sees(id)),
    removed: removed && kept(removed, sees),
    events: events && kept(events, (event) => isVisibleEvent(event, sees)),
    // Of a pipeline that is no longer kept, nothing is known but that it ended.
    pipelines: pipelines && kept(pipelines, ({ id }) => hostsOf(id)?.every(sees) ?? false),
  };
  const isWhole =
    seen.hosts === hosts && seen.removed === removed && seen.events === events && seen.pipelines === pipelines;
  return isWhole ? changes : { ...changes, ...seen };
}

function kept<T>(list: T[], isKept: (item: T) => boolean): T[] {
  return list.every(isKept) ? list : list.filter(isKept);
}
