import { describe, expect, it } from 'vitest';
import { failureList, playwrightFailures, vitestFailures } from './failures.mjs';

describe('the failures of vitest', () => {
  it('are the failed tests, with file, name and the first lines of the reason', () => {
    const report = {
      testResults: [
        { name: '/src/lib/a.test.ts', status: 'passed', assertionResults: [{ status: 'passed', fullName: 'adds' }] },
        {
          name: '/src/lib/b.test.ts',
          status: 'failed',
          assertionResults: [
            { status: 'passed', fullName: 'holds' },
            {
              status: 'failed',
              fullName: 'a host is removed',
              failureMessages: ['\u001b[31mexpected 1\u001b[39m to be 2\nat b'],
            },
          ],
        },
      ],
    };
    expect(vitestFailures(report, '/src')).toEqual([
      { name: 'lib/b.test.ts › a host is removed', reason: 'expected 1 to be 2\nat b' },
    ]);
  });

  it('include a file that does not load', () => {
    const report = {
      testResults: [{ name: '/src/lib/c.test.ts', status: 'failed', message: 'No such module', assertionResults: [] }],
    };
    expect(vitestFailures(report, '/src')).toEqual([{ name: 'lib/c.test.ts', reason: 'No such module' }]);
  });

  it.each([null, {}, { testResults: 'none' }])('are none without a report (%j)', (report) => {
    expect(vitestFailures(report, '/src')).toEqual([]);
  });
});

describe('the failures of Playwright', () => {
  const spec = (status: string, message?: string) => ({
    title: 'signs in',
    file: 'pages.spec.ts',
    line: 7,
    tests: [{ status, results: [{}, ...(message === undefined ? [] : [{ error: { message } }])] }],
  });

  it('are failed and flaky tests at any depth', () => {
    const report = {
      suites: [
        { specs: [spec('expected'), spec('unexpected', 'timed out')], suites: [{ specs: [spec('flaky', 'once')] }] },
      ],
    };
    expect(playwrightFailures(report)).toEqual([
      { name: 'pages.spec.ts:7 › signs in', reason: 'timed out' },
      { name: 'pages.spec.ts:7 › signs in', reason: 'once' },
    ]);
  });

  it('include what failed outside of the tests', () => {
    expect(playwrightFailures({ errors: [{ message: 'no build' }], suites: [] })).toEqual([
      { name: 'outside of the tests', reason: 'no build' },
    ]);
  });
});

describe('the list at the end', () => {
  it('is empty when nothing failed', () => {
    expect(failureList([])).toBe('');
  });

  it('names each failure and cuts what is too long', () => {
    expect(failureList([{ name: 'a › b', reason: 'one\ntwo' }])).toBe('\nFailed:\n\n✗ a › b\n    one\n    two');
    const many = Array.from({ length: 25 }, (_, index) => ({ name: `test ${index}`, reason: 'x' }));
    expect(failureList(many)).toContain('… and 5 more');
  });

  it('keeps twelve lines of a reason', () => {
    const message = Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n');
    const [failure] = playwrightFailures({ errors: [{ message }] });
    expect(failure?.reason.split('\n')).toHaveLength(12);
  });
});
