/** Who may do what, and what of the fleet is left for whom. */
import { describe, expect, it } from 'vitest';
import { OPERATION_IDS } from '@/lib/protocol/operation-ids';
import { may, verbOf, VERBS } from '../may';
import { visibleChanges } from '../visible';

describe('today’s permissions', () => {
  it('allow a signed-in operator everything, on each host and on the fleet', () => {
    const denied = VERBS.flatMap((verb) =>
      ['h1', null].filter((hostId) => !may({ kind: 'operator', userId: 'u1' }, verb, hostId)),
    );
    expect(denied).toEqual([]);
  });

  it('know a verb for each operation', () => {
    const others = OPERATION_IDS.map((id) => [id, verbOf(id)]).filter(([, verb]) => verb !== 'operate');
    expect(others).toEqual([
      ['merge-pr', 'approve'],
      ['remove-host', 'administer'],
      ['add-host', 'administer'],
    ]);
  });
});

describe('what an operator sees', () => {
  const changes = {
    ...{ from: 1, version: 2 },
    hosts: [{ id: 'h1' }, { id: 'h2' }],
    removed: ['h2', 'h3'],
    pipelines: [{ id: 'p1' }, { id: 'p2' }],
  };
  const hostsOf = (id: string) => (id === 'p1' ? ['h1'] : id === 'p2' ? ['h1', 'h2'] : null);

  it('is the same object where nothing is hidden', () => {
    expect(visibleChanges(changes, () => true, hostsOf)).toBe(changes);
  });

  it('leaves out hidden hosts, their removals, and pipelines with one of them', () => {
    expect(visibleChanges(changes, (id) => id !== 'h2', hostsOf)).toEqual({
      ...changes,
      hosts: [{ id: 'h1' }],
      removed: ['h3'],
      pipelines: [{ id: 'p1' }],
    });
  });

  it('leaves out a pipeline that is no longer kept, for everybody', () => {
    const late = { ...changes, pipelines: [{ id: 'p9' }] };
    expect(visibleChanges(late, () => true, hostsOf).pipelines).toEqual([]);
  });
});
