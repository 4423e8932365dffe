import { describe, expect, it } from 'vitest';
import { countPlaywright, countVitest, sum, summaryLine } from './summary.mjs';

const CRASHED = { passed: 0, failed: 1, skipped: 0 };

describe('vitest', () => {
  const report = { numPassedTests: 5, numFailedTests: 0, numPendingTests: 1, numTodoTests: 2, testResults: [] };

  it('counts passed, failed and skipped', () => {
    expect(countVitest(report, 0)).toEqual({ passed: 5, failed: 0, skipped: 3 });
    const failing = { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] };
    expect(countVitest({ ...report, numFailedTests: 1, testResults: [failing] }, 1)).toMatchObject({ failed: 1 });
  });

  it('counts a file that does not load, and an error outside of tests', () => {
    const broken = { status: 'failed', assertionResults: [] };
    expect(countVitest({ ...report, testResults: [broken, broken] }, 1)).toMatchObject({ passed: 5, failed: 2 });
    expect(countVitest(report, 1)).toEqual({ passed: 5, failed: 1, skipped: 3 });
  });

  it.each([null, {}, { numPassedTests: '5' }])('is one failure without a report (%j)', (value) => {
    expect(countVitest(value, 0)).toEqual(CRASHED);
  });
});

describe('Playwright', () => {
  it('counts a flaky test as failed', () => {
    const stats = { expected: 4, unexpected: 1, flaky: 2, skipped: 3 };
    expect(countPlaywright({ stats }, 1)).toEqual({ passed: 4, failed: 3, skipped: 3 });
    expect(countPlaywright({ stats: { ...stats, unexpected: 0 } }, 0)).toMatchObject({ failed: 2 });
  });

  it('counts one failure when it failed before any test or wrote no report', () => {
    expect(countPlaywright({ stats: { expected: 0, unexpected: 0, flaky: 0, skipped: 0 } }, 1)).toEqual(CRASHED);
    expect(countPlaywright(null, 0)).toEqual(CRASHED);
  });
});

it('prints one line', () => {
  const total = sum([CRASHED, { passed: 2, failed: 0, skipped: 1 }, { passed: 10, failed: 1, skipped: 0 }]);
  expect(summaryLine(total)).toBe('12 passed, 2 failed, 1 skipped');
});
