/**
 * `npm run test:crash`: kills the dashboard with SIGKILL at seeded random moments under load, and checks each time that
 * everything it had promised is stored. `--rounds N` (200), `--seed N` (default: the clock; printed to repeat a run).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seeded } from '@/simulator/random';
import { adoptionRound } from './adoption-round';
import { LoadedDashboard } from './load-round';

const MAX_ROUNDS = 10_000;
/** Every n-th round adopts an old database instead. */
const ADOPTION_EVERY = 8;

const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } });
const rounds = wholeNumber('rounds', values.rounds ?? '200', MAX_ROUNDS);
const seed = wholeNumber('seed', values.seed ?? String(Date.now() % 2 ** 32), 2 ** 32);
console.log(`${rounds} rounds with --seed ${seed}`);

const dataDir = mkdtempSync(join(tmpdir(), 'nixfleet-crash-'));
const random = seeded(seed);
const dashboard = new LoadedDashboard(dataDir, random);
let failed = 0;
try {
  for (let round = 1; round <= rounds; round += 1) {
    const faults = await (round % ADOPTION_EVERY === 0 ? adoptionRound(random) : dashboard.round());
    if (faults.length > 0) failed += 1;
    for (const fault of faults) console.error(`round ${round}: ${fault}`);
    if (round % 10 === 0 || round === rounds) {
      const { accepted, results, onWire } = dashboard.witness;
      console.log(
        `${round} rounds: ${accepted.size} commands accepted, ${onWire.length} on the wire, ${results.size} results acknowledged, ${dashboard.backups} good backups, ${failed} rounds with faults`,
      );
    }
  }
} finally {
  await dashboard.close();
  if (failed === 0) rmSync(dataDir, { recursive: true, force: true });
  else console.error(`The data folder is kept: ${dataDir}`);
}
process.exitCode = failed === 0 ? 0 : 1;

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  console.error(`--${name} is "${text}": use a whole number from 1 to ${most}.`);
  process.exit(2);
}
