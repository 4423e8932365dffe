/** Values that are worked out from the hosts, and kept the same object while they come out the same. */
import type { HostView } from '@/lib/protocol/live';
import type { FleetCopy } from './fleet-copy';

/**
 * A getter for what `compute` makes of the hosts. It computes at most once for each set of hosts, and gives the former
 * value again when `same` says that nothing changed, so that a heartbeat does not render what it does not touch.
 */
export function derive<T>(
  store: FleetCopy,
  compute: (hosts: readonly HostView[]) => T,
  same: (a: T, b: T) => boolean,
): () => T {
  let last: { hosts: readonly HostView[]; value: T } | null = null;
  return () => {
    const { hosts } = store.get().fleet;
    if (last?.hosts === hosts) return last.value;
    const value = compute(hosts);
    last = { hosts, value: last && same(last.value, value) ? last.value : value };
    return last.value;
  };
}

/** Equality of lists by their elements. */
export function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

/** Equality of flat records by their values. */
export function sameRecord<T extends object>(a: T, b: T): boolean {
  const left = Object.entries(a);
  const right = new Map<string, unknown>(Object.entries(b));
  return left.length === right.size && left.every(([key, value]) => Object.is(value, right.get(key)));
}
