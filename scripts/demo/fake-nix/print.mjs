// @ts-check
/** Prints lines over a span of time. */
import { existsSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';

const HOLD_CHECK_INTERVAL_MS = 20;

/**
 * @typedef {object} Line
 * @property {string} text
 * @property {'out' | 'err'} stream
 * @property {number} weight share of the time that passes before this line
 * @property {boolean} [hold] waits here as long as the file of NIXFLEET_DEMO_HOLD exists
 */

/**
 * Prints the lines, each at its time within `spanMs`.
 * @param {readonly Line[]} lines
 * @param {number} spanMs
 * @param {string | null} [hold]
 */
export async function print(lines, spanMs, hold = null) {
  const total = lines.reduce((sum, { weight }) => sum + weight, 0);
  let startedAt = performance.now();
  let passed = 0;
  for (const line of lines) {
    passed += line.weight;
    const due = total === 0 ? 0 : (passed / total) * spanMs;
    const early = due - (performance.now() - startedAt);
    if (early >= 1) await wait(early);
    if (line.hold === true && hold !== null) {
      const heldAt = performance.now();
      while (existsSync(hold)) await wait(HOLD_CHECK_INTERVAL_MS);
      startedAt += performance.now() - heldAt;
    }
    (line.stream === 'out' ? process.stdout : process.stderr).write(`${line.text}\n`);
  }
}
