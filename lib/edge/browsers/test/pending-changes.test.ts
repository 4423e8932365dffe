import { describe, expect, it } from 'vitest';
import { mergeChanges } from '../pending-changes';
import { applyChanges } from '@/lib/protocol/live/apply-changes';
import type { FleetChanges } from '@/lib/protocol/live/changes';
import type { FleetView } from '@/lib/protocol/live/views/fleet-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { PipelineHostView, PipelineView } from '@/lib/protocol/live/views/pipeline-view';
import { NO_FLAKE_UPDATES } from '@/lib/protocol/live/flake-update-constants';

const host = (id: string) => ({ id, name: id, compartments: {}, generation: '' }) as unknown as HostView;
const view: FleetView = {
  epoch: 'e',
  version: 1,
  hosts: [host('a'), host('b')],
  desired: {} as FleetView['desired'],
  updates: NO_FLAKE_UPDATES,
  notices: [],
  pipelines: [],
};

describe('mergeChanges', () => {
  it('has the effect of the batches one after the other', () => {
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

  it('merges pipeline changes as if they arrived one after the other', () => {
    const whole = (id: string, hosts: PipelineHostView[]) =>
      ({ id, stages: ['pull'], phase: 'running', reason: '', hosts }) as unknown as PipelineView;
    const at = (hostId: string, reason: string): PipelineHostView => ({
      hostId,
      name: hostId,
      status: 'running',
      steps: [],
      reason,
    });
    const known = { ...view, pipelines: [whole('p', [at('a', ''), at('b', '')])] };
    const batches: FleetChanges[] = [
      { from: 1, version: 2, pipelines: [{ id: 'p', reason: 'one', hosts: [at('a', '1')] }] },
      { from: 2, version: 3, pipelines: [{ id: 'p', hosts: [at('b', '2')] }, whole('q', [at('c', '')])] },
      {
        from: 3,
        version: 4,
        pipelines: [
          { id: 'p', hosts: [at('a', '3')] },
          { id: 'q', hosts: [at('c', '4')] },
        ],
      },
      { from: 4, version: 5, removedPipelines: ['p'], pipelines: [whole('r', [])] },
    ];
    for (let length = 1; length <= batches.length; length += 1) {
      const some = batches.slice(0, length);
      const merged = mergeChanges(some);
      if (!merged) throw new Error('nothing merged');
      const oneByOne = some.reduce<FleetView | null>((now, batch) => now && applyChanges(now, batch), known);
      expect(oneByOne).not.toBeNull();
      expect(applyChanges(known, merged)).toEqual(oneByOne);
    }
    expect(applyChanges(view, batches[0] as FleetChanges), 'a patch of an unknown pipeline').toBeNull();
  });

  it('gives null for no batches', () => {
    expect(mergeChanges([])).toBeNull();
  });
});
