/** Values derived from the hosts that stay the same object while they are equal. */
import type { FleetCopy, HostField } from './fleet-copy';
import type { HostView } from '@/lib/protocol/live/views/host-view';

/**
 * A getter for a value that `compute` derives from the hosts. It computes again only when one of `fields` changed in any
 * host (without `fields`: when anything did), and gives the previous object when `same` is true, so that a heartbeat does
 * not render unaffected components.
 */
export function derive<T, F extends HostField>(
  store: FleetCopy,
  compute: (hosts: readonly Pick<HostView, F>[]) => T,
  same: (a: T, b: T) => boolean,
  fields?: readonly F[],
): () => T {
  let last: { hosts: readonly HostView[]; revision: number; value: T } | null = null;
  return () => {
    const { hosts } = store.get().fleet;
    if (last?.hosts === hosts) return last.value;
    const revision = fields ? store.revisionOf(fields) : NaN;
    const value = last?.revision === revision ? last.value : compute(hosts);
    last = { hosts, revision, value: last && same(last.value, value) ? last.value : value };
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
