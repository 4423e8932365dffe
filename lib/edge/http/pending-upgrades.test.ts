import { expect, it } from 'vitest';
import { MAX_PENDING_UPGRADES, MAX_PENDING_UPGRADES_PER_ADDRESS, PendingUpgrades } from './pending-upgrades';

it('when full, a new address displaces the newest upgrade of the address with the most', () => {
  const pending = new PendingUpgrades();
  const ended: string[] = [];
  const addresses = MAX_PENDING_UPGRADES / MAX_PENDING_UPGRADES_PER_ADDRESS;
  const releases: (() => void)[] = [];
  for (let n = 0; n < MAX_PENDING_UPGRADES; n += 1) {
    const release = pending.take(`198.18.0.${n % addresses}`, () => ended.push(`${n}`));
    if (!release) throw new Error('refused');
    releases.push(release);
  }
  expect(pending.take('198.18.0.0', () => undefined)).toBeNull();
  expect(ended).toEqual([]);
  expect(pending.take('192.0.2.1', () => undefined)).not.toBeNull();
  expect(ended).toEqual([String(MAX_PENDING_UPGRADES - addresses)]);
  expect(pending.use()).toMatchObject({ used: MAX_PENDING_UPGRADES, refused: 2 });
  // An evicted upgrade frees no second place.
  for (const release of releases) release();
  expect(pending.use()).toMatchObject({ used: 1, by: [{ who: '192.0.2.1', count: 1 }] });
});

it('limits the places of one address, even while others are free', () => {
  const pending = new PendingUpgrades();
  const nothing = () => undefined;
  const taken = Array.from({ length: MAX_PENDING_UPGRADES_PER_ADDRESS }, () => pending.take('192.0.2.1', nothing));
  expect(taken).not.toContain(null);
  expect(pending.take('192.0.2.1', nothing)).toBeNull();
  expect(pending.take('192.0.2.2', nothing)).not.toBeNull();
  taken[0]?.();
  expect(pending.take('192.0.2.1', nothing)).not.toBeNull();
});
