import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aCommand, aHost, withCompartments } from '@/app/_live/testing/views';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { OPERATION_IDS, type HostView } from '@/lib/protocol/live';
import { needsLook, planOffers, planOperation, planSentence } from './plan';
import { checkOperation } from '@/lib/fleet/operations/operation-rules';

const online = (n: number): HostView[] => Array.from({ length: n }, (_, i) => aHost(`h${i}`));
const offline = (n: number): HostView[] => Array.from({ length: n }, (_, i) => aHost(`off${i}`, { online: false }));
const behind = withCompartments('behind', { git: 'outdated' });
const busy = aHost('busy', { command: aCommand({ hostId: 'busy' }) });

describe('planSentence', () => {
  it.each([
    ['pull', [...online(12), ...offline(2)], 'Pull 12 hosts; 2 are offline and will be skipped.'],
    ['pull', online(3), 'Pull 3 hosts.'],
    ['test', [...online(1), ...offline(1)], 'Test h0; 1 is offline and will be skipped.'],
    [
      'switch',
      [...online(2), behind, busy, ...offline(1)],
      'Switch 2 hosts; 1 has not pulled yet, 1 is busy and 1 is offline and will be skipped.',
    ],
    ['stop', online(2), 'Nothing to stop: 2 run nothing.'],
    ['stop', [busy], 'Stop busy.'],
    ['pull', [], 'Nothing to pull: no host is selected.'],
  ] satisfies [keyof typeof OPERATIONS, HostView[], string][])('%s', (operation, hosts, sentence) => {
    expect(planSentence(planOperation(operation, hosts))).toBe(sentence);
  });
});

describe('planSentence, where hosts that are offline are waited for', () => {
  it.each([
    ['pull', [...online(12), ...offline(2)], 'Pull 12 hosts; 2 are offline and will be queued.'],
    [
      'pull',
      [...online(2), ...offline(1), busy],
      'Pull 2 hosts; 1 is offline and will be queued; 1 is busy and will be skipped.',
    ],
    ['pull', offline(3), 'Pull: 3 are offline and will be queued.'],
    ['pull', online(3), 'Pull 3 hosts.'],
    ['restart', [...online(1), ...offline(2)], 'Restart agent h0; 2 are offline and will be skipped.'],
  ] satisfies [keyof typeof OPERATIONS, HostView[], string][])('%s', (operation, hosts, sentence) => {
    expect(planSentence(planOperation(operation, hosts), true)).toBe(sentence);
  });
});

describe('planOperation', () => {
  it('puts every host in one place, by the same table that the dashboard judges by', () => {
    const hosts = fc.subarray([...online(3), ...offline(3), behind, busy]);
    fc.assert(
      fc.property(fc.constantFrom(...OPERATION_IDS), hosts, fc.boolean(), (operation, some, force) => {
        const plan = planOperation(operation, some, force);
        const placed = [...plan.ready, ...plan.groups.flatMap((group) => group.hosts)];
        expect(placed.map(({ id }) => id).sort()).toEqual(some.map(({ id }) => id).sort());
        for (const host of plan.ready) expect(checkOperation(OPERATIONS[operation], host, force)).toBeNull();
      }),
    );
  });
});

describe('planOffers', () => {
  it('offers what unblocks, both steps in one, and force', () => {
    const offers = planOffers(planOperation('switch', [aHost('a'), behind]));
    expect(offers.map(({ operation, force, label }) => [operation, force, label])).toEqual([
      ['pull', false, 'Pull'],
      ['pull-switch', false, 'Pull and switch'],
      ['switch', true, 'Switch anyway'],
    ]);
    for (const offer of offers) expect(offer.hosts).toEqual([behind]);
  });

  it('offers no stop in passing, and nothing for a host that is offline', () => {
    expect(planOffers(planOperation('pull', [busy, ...offline(2)]))).toEqual([]);
  });
});

describe('needsLook', () => {
  it('asks where it is dangerous or something can be decided, and only then', () => {
    expect(needsLook(planOperation('pull', [...online(2), ...offline(1)]))).toBe(false);
    expect(needsLook(planOperation('switch', [behind]))).toBe(true);
    expect(needsLook(planOperation('rollback', online(1)))).toBe(true);
    expect(needsLook(planOperation('kill', [busy]))).toBe(true);
  });
});
