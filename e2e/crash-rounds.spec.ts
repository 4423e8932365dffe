/** Twenty of the two hundred kills of `npm run test:crash`, with a seed of their own each time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { adoptionRound } from '@/scripts/crash/adoption-round';
import { LoadedDashboard } from '@/scripts/crash/load-round';
import { seeded } from '@/simulator/random';

const ROUNDS = 20;
/** So many of them take an old database over. */
const ADOPTIONS = 3;
/** A start takes a second on two busy cores, the work as long again; on a slow and busy machine, many times that. */
const ROUND_TIMEOUT_MS = 60_000;

test('the dashboard keeps its guarantees when killed at random moments under load', async () => {
  test.setTimeout(ROUNDS * ROUND_TIMEOUT_MS);
  const seed = Date.now() % 2 ** 32;
  const dataDir = mkdtempSync(join(tmpdir(), 'nixfleet-crash-'));
  const random = seeded(seed);
  const dashboard = new LoadedDashboard(dataDir, random);
  try {
    for (let round = 1; round <= ROUNDS - ADOPTIONS; round += 1) {
      expect(await dashboard.round(), `round ${round} of seed ${seed}`).toEqual([]);
    }
    for (let round = 1; round <= ADOPTIONS; round += 1) {
      expect(await adoptionRound(random), `adoption ${round} of seed ${seed}`).toEqual([]);
    }
    // It was really under load: commands were taken and came to their end between the kills.
    expect(dashboard.witness.accepted.size).toBeGreaterThan(ROUNDS);
    expect(dashboard.witness.results.size).toBeGreaterThan(ROUNDS);
  } finally {
    await dashboard.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
});
