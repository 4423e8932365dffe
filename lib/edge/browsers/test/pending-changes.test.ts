import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_EVENTS_IN_BATCH, mergeChanges } from '../pending-changes';
import { applyChanges } from '@/lib/protocol/live/apply-changes';
import type { FleetChanges } from '@/lib/protocol/live/changes';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import type { FleetView } from '@/lib/protocol/live/views/fleet-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { PipelineHostView, PipelineView } from '@/lib/protocol/live/views/pipeline-view';
import type { ServiceNotice } from '@/lib/protocol/live/views/service-notice';
import { NO_FLAKE_UPDATES } from '@/lib/protocol/live/flake-update-constants';

const host = (id: string) => ({ id, name: id, compartments: {}, generation: '' }) as unknown as HostView;
const stepOf = (hostId: string, reason: string): PipelineHostView => ({
  hostId,
  name: hostId,
  status: 'running',
  steps: [],
  reason,
});
const pipelineOf = (id: string, reason: string, hostIds: readonly string[]): PipelineView => ({
  id,
  kind: 'custom',
  stages: ['pull'],
  parallelism: 1,
  stopOnFailure: true,
  phase: 'running',
  outcome: null,
  reason,
  prelude: null,
  counts: { waiting: 0, running: hostIds.length, done: 0, failed: 0, 'rolled-back': 0, refused: 0, skipped: 0 },
  by: 'operator',
  createdAt: 0,
  endedAt: null,
  hosts: hostIds.map((hostId) => stepOf(hostId, '')),
});
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

  it('has the effect of any batches one after the other', () => {
    const id = fc.constantFrom('a', 'b', 'c');
    const value = fc.constantFrom('', '1', '2');
    const patch = fc.record({ id, generation: value, location: value }, { requiredKeys: ['id'] });
    const whole = fc.tuple(id, value).map(([name, generation]) => ({ ...host(name), generation }));
    const step = fc.record({ hostId: id, reason: value }).map((one) => stepOf(one.hostId, one.reason));
    const pipelinePatch = fc.record(
      {
        id: fc.constantFrom('p', 'q'),
        reason: value,
        hosts: fc.uniqueArray(step, { selector: ({ hostId }) => hostId }),
      },
      { requiredKeys: ['id'] },
    );
    const wholePipeline = fc
      .tuple(fc.constantFrom('p', 'q'), value)
      .map(([name, reason]) => pipelineOf(name, reason, ['a', 'b', 'c']));
    const change = fc.record({
      hosts: fc.array(fc.oneof(patch, whole), { maxLength: 3 }),
      removed: fc.array(id, { maxLength: 2 }),
      pipelines: fc.array(fc.oneof(pipelinePatch, wholePipeline), { maxLength: 2 }),
      removedPipelines: fc.array(fc.constantFrom('p', 'q'), { maxLength: 1 }),
      notices: fc.option(fc.constantFrom<ServiceNotice[]>([], [{ level: 'error', message: 'x' }]), { nil: undefined }),
    });
    let applied = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const batches: FleetChanges[] = [];
        let now = { ...view, pipelines: [pipelineOf('p', '', ['a', 'b', 'c'])] };
        const before = now;
        for (const one of changes) {
          const batch = { ...one, from: now.version, version: now.version + 1 };
          // The fleet patches only what it has published before.
          const next = applyChanges(now, batch);
          if (!next) continue;
          batches.push(batch);
          now = next;
        }
        const merged = mergeChanges(batches);
        if (!merged) return;
        applied += batches.length;
        expect(applyChanges(before, merged)).toEqual(now);
      }),
      { numRuns: 500 },
    );
    expect(applied).toBeGreaterThan(500);
  });

  it('keeps the newest events, in order, and drops the oldest beyond the limit', () => {
    const event = (number: number) => ({ id: number, message: `event ${number}` }) as unknown as EventView;
    const batches = [0, 1, 2].map((part) => ({
      from: part + 1,
      version: part + 2,
      events: Array.from({ length: 150 }, (_, index) => event(part * 150 + index)),
    }));
    const events = mergeChanges(batches)?.events ?? [];
    expect(events.map(({ id }) => id)).toEqual(
      Array.from({ length: MAX_EVENTS_IN_BATCH }, (_, index) => 450 - MAX_EVENTS_IN_BATCH + index),
    );
  });

  it('gives null for no batches', () => {
    expect(mergeChanges([])).toBeNull();
  });
});
