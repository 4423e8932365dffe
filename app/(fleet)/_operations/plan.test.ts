import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aCommand, aHost, withCompartments } from '@/app/_live/testing/views';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { endedBy, needsReview, planOffers, planOperation, planSentence } from './plan';
import { checkOperation } from '@/lib/fleet/operations/operation-rules';
import { CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import { OPERATION_IDS } from '@/lib/protocol/operation-ids';
import type { HostView } from '@/lib/protocol/live/views/host-view';

const online = (n: number): HostView[] => Array.from({ length: n }, (_, i) => aHost(`h${i}`));
const offline = (n: number): HostView[] => Array.from({ length: n }, (_, i) => aHost(`off${i}`, { online: false }));
const behind = withCompartments('behind', { git: 'outdated' });
const busy = aHost('busy', { command: aCommand({ hostId: 'busy' }) });
const agentBusy = aHost('agent-busy', { foreignCommand: 'nixos-rebuild' });
const VERSION_1: Partial<HostView> = {
  protocol: 1,
  missingCapabilities: CAPABILITIES.filter((capability) => capability !== 'pull-switch'),
};
const version1 = (n: number): HostView[] => Array.from({ length: n }, (_, i) => aHost(`v1-${i}`, VERSION_1));
const older = (n: number): HostView[] =>
  Array.from({ length: n }, (_, i) => aHost(`old-${i}`, { missingCapabilities: ['rollback'] }));

describe('planSentence', () => {
  it.each([
    ['pull', [...online(12), ...offline(2)], 'Pull the configuration on 12 hosts. Skipped: 2 offline.'],
    ['pull', online(3), 'Pull the configuration on 3 hosts.'],
    ['test', [...online(1), ...offline(1)], 'Run the tests on h0. Skipped: 1 offline.'],
    [
      'switch',
      [...online(2), behind, busy, ...offline(1)],
      'Switch 2 hosts. Skipped: 1 not pulled yet, 1 busy, 1 offline.',
    ],
    ['stop', online(2), 'Cannot stop the running command on any host: 2 are idle.'],
    ['stop', online(1), 'Cannot stop the running command on h0: it is idle.'],
    [
      'stop',
      [...online(2), ...offline(1)],
      'Cannot stop the running command on any host: 2 are idle and 1 is offline.',
    ],
    ['reboot', [aHost('v1', VERSION_1)], 'Cannot reboot v1: it has a version-1 agent.'],
    ['reboot', version1(3), 'Cannot reboot any host: 3 have a version-1 agent.'],
    ['rollback', older(1), 'Cannot roll back old-0: it has an agent that does not support it.'],
    ['rollback', older(3), 'Cannot roll back any host: 3 have agents that do not support it.'],
    ['rollback', [...online(2), ...older(2)], 'Roll back 2 hosts. Skipped: 2 with an agent that does not support it.'],
    ['pull', older(2), 'Pull the configuration on 2 hosts.'],
    ['pull', [...online(1), busy, agentBusy], 'Pull the configuration on h0. Skipped: 2 busy.'],
    ['stop', [busy], 'Stop the running command on busy.'],
    ['pull', [], 'Cannot pull the configuration on any host: no host is selected.'],
  ] satisfies [keyof typeof OPERATIONS, HostView[], string][])('%s', (operation, hosts, sentence) => {
    expect(planSentence(planOperation(operation, hosts))).toBe(sentence);
  });
});

describe('planSentence with a queue for offline hosts', () => {
  it.each([
    ['pull', [...online(12), ...offline(2)], 'Pull the configuration on 12 hosts. Queued: 2 offline.'],
    [
      'pull',
      [...online(2), ...offline(1), busy],
      'Pull the configuration on 2 hosts. Queued: 1 offline. Skipped: 1 busy.',
    ],
    ['pull', offline(3), 'Queue the pull for 3 offline hosts.'],
    ['test', [...offline(1), busy], 'Queue the test run for 1 offline host. Skipped: 1 busy.'],
    ['pull', online(3), 'Pull the configuration on 3 hosts.'],
    ['restart', [...online(1), ...offline(2)], 'Restart the agent on h0. Skipped: 2 offline.'],
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
        for (const host of plan.ready) expect(checkOperation(OPERATIONS[operation], host, 0, force)).toBeNull();
      }),
    );
  });
});

describe('endedBy', () => {
  it('names the running commands that the operation ends', () => {
    const rollback = aHost('web', { command: aCommand({ hostId: 'web', operation: 'rollback' }) });
    expect(endedBy(planOperation('restart', [rollback, ...online(1)]))).toEqual(['the rollback of web']);
    expect(endedBy(planOperation('stop', [rollback]))).toEqual([]);
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

  it('offers pull and switch for a version-1 agent, and nothing for another agent that does not support the operation', () => {
    expect(planOffers(planOperation('reboot', version1(1)))).toMatchObject([
      { operation: 'pull-switch', force: false },
    ]);
    expect(planOffers(planOperation('rollback', older(2)))).toEqual([]);
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
