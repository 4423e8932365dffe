import { describe, expect, it } from 'vitest';
import { sampleView } from '@/lib/fleet/testing/samples';
import { desiredView } from '@/lib/fleet/hosts/host-views';
import { NO_DESIRED_STATE } from '@/lib/fleet/hosts/desired';
import { applyChanges } from './apply-changes';
import type { FleetView } from './views/fleet-view';
import { NO_FLAKE_UPDATES } from './flake-update-constants';

const host = (id: string, location = 'home') => sampleView({ id, name: id, location });
const desired = desiredView(NO_DESIRED_STATE);

function fleet(...ids: string[]): FleetView {
  const hosts = ids.map((id) => host(id));
  return { epoch: 'e', version: 7, hosts, desired, updates: NO_FLAKE_UPDATES, notices: [], pipelines: [] };
}

describe('applyChanges', () => {
  it('changes only the fields of the patch', () => {
    const before = fleet('a', 'b');
    const after = applyChanges(before, { from: 7, version: 8, hosts: [{ id: 'b', location: 'work' }] });
    expect(after?.version).toBe(8);
    expect(after?.hosts).toEqual([host('a'), host('b', 'work')]);
    // An unchanged host stays the same object, so that a page does not render it again.
    expect(after?.hosts[0]).toBe(before.hosts[0]);
    expect(before.hosts[1]?.location).toBe('home');
  });

  it.each([
    ['a gap', 8],
    ['changes that are applied already', 6],
  ])('returns null for %s', (_name, from) => {
    expect(applyChanges(fleet('a'), { from, version: 9, hosts: [{ id: 'a', location: 'work' }] })).toBeNull();
  });

  it('adds an unknown host only if it is complete', () => {
    expect(applyChanges(fleet('a'), { from: 7, version: 8, hosts: [host('b')] })?.hosts).toEqual([
      host('a'),
      host('b'),
    ]);
    expect(applyChanges(fleet('a'), { from: 7, version: 8, hosts: [{ id: 'b', location: 'work' }] })).toBeNull();
  });

  it('adds a host and patches it in one batch', () => {
    const changes = { from: 7, version: 9, hosts: [host('b'), { id: 'b', location: 'work' }] };
    expect(applyChanges(fleet('a'), changes)?.hosts).toEqual([host('a'), host('b', 'work')]);
  });

  it('removes hosts and ignores unknown ids', () => {
    expect(applyChanges(fleet('a', 'b'), { from: 7, version: 8, removed: ['a', 'x'] })?.hosts).toEqual([host('b')]);
  });

  it('keeps only the new host when it is removed and added in one batch', () => {
    const changes = { from: 7, version: 9, removed: ['a'], hosts: [host('a', 'work')] };
    expect(applyChanges(fleet('a'), changes)?.hosts).toEqual([host('a', 'work')]);
    // A patch does not apply to a removed host.
    const patched = { from: 7, version: 9, removed: ['a'], hosts: [{ id: 'a', location: 'work' }] };
    expect(applyChanges(fleet('a'), patched)).toBeNull();
  });

  it('keeps the desired state and notices unless the changes contain them', () => {
    const before: FleetView = { ...fleet('a'), notices: [{ level: 'error', message: 'disk full' }] };
    const unchanged = applyChanges(before, { from: 7, version: 8 });
    expect(unchanged).toEqual({ ...before, version: 8 });
    expect(unchanged?.hosts).toBe(before.hosts);
    const changed = applyChanges(before, {
      from: 7,
      version: 8,
      updates: NO_FLAKE_UPDATES,
      notices: [],
      desired: { ...desired, source: 'git', commit: 'abc' },
    });
    expect(changed?.notices).toEqual([]);
    expect(changed?.desired.commit).toBe('abc');
  });
});
