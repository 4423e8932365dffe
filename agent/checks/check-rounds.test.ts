import { expect, it, vi } from 'vitest';
import { createShell } from '../shell';
import type { ObservedTests } from '../host-tests';
import type { CheckConfig } from './check-config';
import { startChecks, TESTS_CHECK } from './check-rounds';

const shell = createShell({ cwd: () => '/', env: process.env, say: () => undefined });

/** The report of the repository's tests, and the first enforced failure. */
async function reportOf(tests: CheckConfig['tests'], runTests: () => Promise<ObservedTests>) {
  const config: CheckConfig = { units: { enforced: false, ignore: [], settle: 0 }, checks: [], tests };
  const before = { units: null, declared: {} };
  const checks = startChecks({ config, before, shell, runTests, onChange: () => undefined });
  await vi.waitFor(() => expect(checks.isComplete()).toBe(true));
  const report = checks.reports().find(({ name }) => name === TESTS_CHECK);
  const verdict = checks.verdict();
  checks.end();
  return { status: report?.status, enforced: report?.enforced, reason: report?.reason, verdict: verdict.kind };
}
const ends = (outcome: ObservedTests['outcome']) => () => Promise.resolve({ outcome, summary: 'why' });

it.each([
  ['passed', 'passed', true, 'passed'],
  ['failed', 'failed', true, 'failed'],
  // A repository without tests must not take every switch back.
  ['none', 'unknown', false, 'passed'],
  ['not-run', 'failed', true, 'failed'],
] as const)('tests that are enforced and end as “%s”', async (outcome, status, enforced, verdict) => {
  expect(await reportOf('enforce', ends(outcome))).toEqual({ status, enforced, reason: 'why', verdict });
});

it.each([
  ['enforce', 'failed', 'failed'],
  ['observe', 'unknown', 'passed'],
] as const)('tests that can’t be run because of an error are reported with it (%s)', async (tests, status, verdict) => {
  const broken = () => Promise.reject(new Error('ENOSPC: no space left on device'));
  expect(await reportOf(tests, broken)).toMatchObject({
    status,
    verdict,
    reason: 'not run: ENOSPC: no space left on device',
  });
});

it('tests that are observed and could not run are not known', async () => {
  expect(await reportOf('observe', ends('not-run'))).toMatchObject({ status: 'unknown', verdict: 'passed' });
});
