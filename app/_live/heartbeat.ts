/** What an ordinary heartbeat changes: that the host was seen, its measured values, and when its facts were checked. */
import { COMPARTMENT_NAMES } from '@/lib/protocol/compartment-names';
import type { HostPatch } from '@/lib/protocol/live/changes';
import type { HostView } from '@/lib/protocol/live/views/host-view';

const HEARTBEAT_FIELDS: ReadonlySet<string> = new Set<keyof HostView>(['lastSeenAt', 'metrics']);

/** The fields that a patch changes. `id` names the host, and facts that were only checked again did not change. */
export function changedFields(patch: HostPatch, known: HostView | undefined): string[] {
  return Object.keys(patch).filter(
    (field) =>
      field !== 'id' && !(field === 'compartments' && isSame(known?.compartments ?? null, patch.compartments ?? null)),
  );
}

export function isHeartbeat(fields: readonly string[]): boolean {
  return fields.every((field) => HEARTBEAT_FIELDS.has(field));
}

/** Whether nothing differs but what a heartbeat changes. */
export function sameBesidesHeartbeat(a: HostView, b: HostView): boolean {
  if (a === b) return true;
  const [left, right] = [new Map<string, unknown>(Object.entries(a)), new Map<string, unknown>(Object.entries(b))];
  const isSteady = [...left.keys()].every(
    (field) => field === 'compartments' || HEARTBEAT_FIELDS.has(field) || Object.is(left.get(field), right.get(field)),
  );
  return isSteady && isSame(a.compartments, b.compartments);
}

type Compartments = HostView['compartments'];

function isSame(a: Compartments | null, b: Compartments | null): boolean {
  if (a === null || b === null) return a === b;
  return COMPARTMENT_NAMES.every(
    (name) => a[name].status === b[name].status && a[name].message === b[name].message && a[name].next === b[name].next,
  );
}
