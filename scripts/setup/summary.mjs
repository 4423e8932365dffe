// @ts-check
/** Counting what the test runners report. */
import { asObject } from './json.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** A runner that ended without saying what it did. @type {Readonly<Counts>} */
export const CRASHED = Object.freeze({ passed: 0, failed: 1, skipped: 0 });

/**
 * @param {unknown} report vitest's JSON report; null when it wrote none
 * @param {number} exitCode
 * @returns {Counts}
 */
export function countVitest(report, exitCode) {
  const data = asObject(report);
  const passed = numberIn(data, 'numPassedTests');
  const failed = numberIn(data, 'numFailedTests');
  if (data === null || passed === null || failed === null) return { ...CRASHED };
  // A file that could not be loaded has no failed test in it, but is a failure.
  const files = Array.isArray(data['testResults']) ? data['testResults'].map(asObject) : [];
  const broken = files.filter((file) => file?.['status'] === 'failed' && !hasFailedTest(file)).length;
  const skipped = (numberIn(data, 'numPendingTests') ?? 0) + (numberIn(data, 'numTodoTests') ?? 0);
  return withExitCode({ passed, failed: failed + broken, skipped }, exitCode);
}

/** @param {Record<string, unknown>} file */
function hasFailedTest(file) {
  const tests = file['assertionResults'];
  return Array.isArray(tests) && tests.some((test) => asObject(test)?.['status'] === 'failed');
}

/**
 * A test that passed only when it was repeated hides a race: it counts as failed.
 * @param {unknown} report Playwright's JSON report; null when it wrote none
 * @param {number} exitCode
 * @returns {Counts}
 */
export function countPlaywright(report, exitCode) {
  const stats = asObject(asObject(report)?.['stats']);
  const passed = numberIn(stats, 'expected');
  const unexpected = numberIn(stats, 'unexpected');
  if (passed === null || unexpected === null) return { ...CRASHED };
  const failed = unexpected + (numberIn(stats, 'flaky') ?? 0);
  return withExitCode({ passed, failed, skipped: numberIn(stats, 'skipped') ?? 0 }, exitCode);
}

/**
 * A runner that failed for a reason that is no test (an unhandled error, no tests at all) has one failure.
 * @param {Counts} counts
 * @param {number} exitCode
 */
function withExitCode(counts, exitCode) {
  return exitCode !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/**
 * @param {Record<string, unknown> | null} data
 * @param {string} name
 */
function numberIn(data, name) {
  const value = data?.[name];
  return typeof value === 'number' ? value : null;
}

/** @param {readonly Counts[]} all */
export function sum(all) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of all) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  return total;
}

/** The last line of `npm test`. @param {Counts} counts */
export function summaryLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
