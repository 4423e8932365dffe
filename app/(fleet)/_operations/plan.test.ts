import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aCommand, aHost, withCompartments } from '@/app/_live/testing/views';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { needsReview, planOffers, planOperation, planSentence } from './plan';
import { checkOperation } from '@/lib/fleet/operations/operation-rules';
import { OPERATION_IDS } from '@/lib/protocol/operation-ids';
import type { HostView } from '@/lib/protocol/live/views/host-view';

const online = (n: number): HostView[] => Array.from({ length: n }, (_, i) => aHost(`h${i}`));
const offline = (n: number): HostView[] => Array.from({ length: n }, (_, i) => aHost(`off${i}`, { online: false }));
const behind = withCompartments('behind', { git: 'outdated' });
const busy = aHost('busy', { command: aCommand({ hostId: 'busy' }) });

describe('planSentence', () => {
  it.each([
    ['pull', [...online(12), ...offline(2)], 'Pull the configuration on 12 hosts; 2 are offline and will be skipped.'],
    ['pull', online(3), 'Pull the configuration on 3 hosts.'],
    ['test', [...online(1), ...offline(1)], 'Run the tests on h0; 1 is offline and will be skipped.'],
    [
      'switch',
      [...online(2), behind, busy, ...offline(1)],
      'Switch 2 hosts; 1 has not pulled yet, 1 is busy and 1 is offline and will be skipped.',
    ],
    ['stop', online(2), 'Cannot stop the running command on any host: 2 are idle.'],
    ['stop', [busy], 'Stop the running command on busy.'],
    ['pull', [], 'Cannot pull the configuration on any host: no host is selected.'],
  ] satisfies [keyof typeof OPERATIONS, HostView[], string][])('%s', (operation, hosts, sentence) => {
    expect(planSentence(planOperation(operation, hosts))).toBe(sentence);
  });
});

describe('planSentence with a queue for offline hosts', () => {
  it.each([
    ['pull', [...online(12), ...offline(2)], 'Pull the configuration on 12 hosts; 2 are offline and will be queued.'],
    [
      'pull',
      [...online(2), ...offline(1), busy],
      'Pull the configuration on 2 hosts; 1 is offline and will be queued; 1 is busy and will be skipped.',
    ],
    ['pull', offline(3), 'Queue the pull for 3 offline hosts.'],
    ['test', [...offline(1), busy], 'Queue the test run for 1 offline host; 1 is busy and will be skipped.'],
    ['pull', online(3), 'Pull the configuration on 3 hosts.'],
    ['restart', [...online(1), ...offline(2)], 'Restart the agent on h0; 2 are offline and will be skipped.'],
  ] satisfies [keyof typeof OPERATIONS, HostView[], string][])('%s', (operation, hosts, sentence) => {
    expect(planSentence(planOperation(operation, hosts), true)).toBe(sentence);
  });
});

describe('planOperation', () => {
  it('puts every host into one group, by the preconditions that the dashboard checks', () => {
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
  it('offers the operation that unblocks, both in one, and force', () => {
    const offers = planOffers(planOperation('switch', [aHost('a'), behind]));
    expect(offers.map(({ operation, force, label }) => [operation, force, label])).toEqual([
      ['pull', false, 'Pull'],
      ['pull-switch', false, 'Pull and switch'],
      ['switch', true, 'Switch anyway'],
    ]);
    for (const offer of offers) expect(offer.hosts).toEqual([behind]);
  });

  it('never offers a stop, and offers nothing for an offline host', () => {
    expect(planOffers(planOperation('pull', [busy, ...offline(2)]))).toEqual([]);
  });
});

describe('needsReview', () => {
  it('is true for dangerous operations and where there is something to decide, and only then', () => {
    expect(needsReview(planOperation('pull', [...online(2), ...offline(1)]))).toBe(false);
    expect(needsReview(planOperation('switch', [behind]))).toBe(true);
    expect(needsReview(planOperation('rollback', online(1)))).toBe(true);
    expect(needsReview(planOperation('kill', [busy]))).toBe(true);
  });
});
