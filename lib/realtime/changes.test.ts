import { describe, expect, it } from 'vitest';
import { applyChanges, type FleetChanges, type FleetView, type HostView } from '@/lib/protocol/live';
import { mergeChanges } from './changes';
import { NO_FLAKE_UPDATES } from '@/lib/protocol/flake-updates';

const host = (id: string) => ({ id, name: id, compartments: {}, generation: '' }) as unknown as HostView;
const view: FleetView = {
  epoch: 'e',
  version: 1,
  hosts: [host('a'), host('b')],
  desired: {} as FleetView['desired'],
  updates: NO_FLAKE_UPDATES,
  notices: [],
};

describe('mergeChanges', () => {
  it('does in one batch what the batches do one after the other', () => {
    const batches: FleetChanges[] = [
      { from: 1, version: 2, hosts: [{ id: 'a', generation: '1' }] },
      { from: 2, version: 3, removed: ['b'], notices: [{ level: 'error', message: 'x' }] },
      {
        from: 3,
        version: 4,
        hosts: [
          { id: 'a', generation: '2' },
          { ...host('b'), generation: '3' },
        ],
      },
    ];
    const merged = mergeChanges(batches);
    if (!merged) throw new Error('nothing merged');
    const oneByOne = batches.reduce<FleetView | null>((now, batch) => now && applyChanges(now, batch), view);
    expect(applyChanges(view, merged)).toEqual(oneByOne);
  });

  it('gives null for no batches', () => {
    expect(mergeChanges([])).toBeNull();
  });
});
