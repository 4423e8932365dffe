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
  it('changes what the patch says and nothing else', () => {
    const before = fleet('a', 'b');
    const after = applyChanges(before, { from: 7, version: 8, hosts: [{ id: 'b', location: 'work' }] });
    expect(after?.version).toBe(8);
    expect(after?.hosts).toEqual([host('a'), host('b', 'work')]);
    // What did not change is the same object, so that a page need not draw it again.
    expect(after?.hosts[0]).toBe(before.hosts[0]);
    expect(before.hosts[1]?.location).toBe('home');
  });

  it.each([
    ['a gap', 8],
    ['changes that were applied already', 6],
  ])('%s gives null', (_name, from) => {
    expect(applyChanges(fleet('a'), { from, version: 9, hosts: [{ id: 'a', location: 'work' }] })).toBeNull();
  });

  it('a host that is not known comes whole', () => {
    expect(applyChanges(fleet('a'), { from: 7, version: 8, hosts: [host('b')] })?.hosts).toEqual([
      host('a'),
      host('b'),
    ]);
    expect(applyChanges(fleet('a'), { from: 7, version: 8, hosts: [{ id: 'b', location: 'work' }] })).toBeNull();
  });

  it('a new host and a patch of it in one batch', () => {
    const changes = { from: 7, version: 9, hosts: [host('b'), { id: 'b', location: 'work' }] };
    expect(applyChanges(fleet('a'), changes)?.hosts).toEqual([host('a'), host('b', 'work')]);
  });

  it('a removed host is gone; removing one that is not there is no fault', () => {
    expect(applyChanges(fleet('a', 'b'), { from: 7, version: 8, removed: ['a', 'x'] })?.hosts).toEqual([host('b')]);
  });

  it('removed and added again in one batch: only the new one counts', () => {
    const changes = { from: 7, version: 9, removed: ['a'], hosts: [host('a', 'work')] };
    expect(applyChanges(fleet('a'), changes)?.hosts).toEqual([host('a', 'work')]);
    // A patch can't be of the host that was removed.
    const patched = { from: 7, version: 9, removed: ['a'], hosts: [{ id: 'a', location: 'work' }] };
    expect(applyChanges(fleet('a'), patched)).toBeNull();
  });

  it('desired state and notices stay unless they are said', () => {
    const before: FleetView = { ...fleet('a'), notices: [{ level: 'error', message: 'disk full' }] };
    const quiet = applyChanges(before, { from: 7, version: 8 });
    expect(quiet).toEqual({ ...before, version: 8 });
    expect(quiet?.hosts).toBe(before.hosts);
    const said = applyChanges(before, {
      from: 7,
      version: 8,
      updates: NO_FLAKE_UPDATES,
      notices: [],
      desired: { ...desired, source: 'git', commit: 'abc' },
    });
    expect(said?.notices).toEqual([]);
    expect(said?.desired.commit).toBe('abc');
  });
});
