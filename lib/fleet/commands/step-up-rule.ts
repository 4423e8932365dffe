/**
 * Whether a request needs a step-up proof: one rule for requests and pipelines. An operation that needs a proof on several
 * hosts needs it for many hosts one by one as well, so these hosts count: those of the request, and those on which the
 * operation runs, is queued, is planned by a pipeline, or was requested a short time ago.
 */
import { needsProofForMany, PROVEN_FOR_MANY, requiresStepUp } from '../operations/operation-rules';
import type { LoopTime } from '../records/environment';
import type { FleetStore } from '../records/store-port';
import type { FleetMemory } from '../turns/fleet-memory';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** How long a request counts (`LoopTime`). */
export const RECENT_MS = 10 * 60_000;

interface Planned {
  stages: readonly OperationId[];
  hostIds: readonly string[];
}

export class StepUpRule {
  /** When an operation was last requested on each host. Holds only operations that several hosts need a proof for. */
  private readonly requested = new Map<OperationId, Map<string, number>>();
  private readonly planned = new Map<string, Planned>();

  constructor(
    private readonly memory: FleetMemory,
    private readonly loop: LoopTime,
  ) {}

  /** The first of these operations that needs a proof on these hosts now; null if none does. */
  unproven(operations: readonly OperationId[], hostIds: readonly string[]): OperationId | null {
    return operations.find((operation) => requiresStepUp(operation, this.hostsOf(operation, hostIds))) ?? null;
  }

  /** Call it when a command is stored. `agoMs`: how long ago that was. */
  wasRequested(operation: OperationId, hostId: string, agoMs = 0): void {
    if (!needsProofForMany(operation)) return;
    const hosts = this.requested.get(operation) ?? new Map<string, number>();
    this.requested.set(operation, hosts.set(hostId, this.loop.now() - agoMs));
  }

  /**
   * Restores what was requested before a restart: a restart, which a switch of the dashboard's host can cause, must not
   * shorten the time for which requests count. One that a clock set back puts into the future counts as one of now.
   */
  async recover(store: Pick<FleetStore, 'requestsSince'>, now: number): Promise<void> {
    for (const { operation, hostId, at } of await store.requestsSince(PROVEN_FOR_MANY, now - RECENT_MS)) {
      this.wasRequested(operation, hostId, Math.max(0, now - at));
    }
  }

  /** Call it when a pipeline has changed. `hostIds`: those that have not ended; none when the pipeline has ended. */
  isPlanned(pipelineId: string, planned: Planned): void {
    if (planned.hostIds.length === 0) this.planned.delete(pipelineId);
    else this.planned.set(pipelineId, planned);
  }

  private hostsOf(operation: OperationId, hostIds: readonly string[]): number {
    const hosts = new Set(hostIds);
    if (!needsProofForMany(operation)) return hosts.size;
    for (const [hostId, { active, queue }] of this.memory.entries) {
      if ([active, ...queue].some((command) => command?.operation === operation)) hosts.add(hostId);
    }
    for (const { stages, hostIds: waiting } of this.planned.values()) {
      if (stages.includes(operation)) for (const hostId of waiting) hosts.add(hostId);
    }
    const requested = this.requested.get(operation);
    for (const [hostId, at] of requested ?? []) {
      if (this.loop.now() - at < RECENT_MS) hosts.add(hostId);
      else requested?.delete(hostId);
    }
    return hosts.size;
  }
}
