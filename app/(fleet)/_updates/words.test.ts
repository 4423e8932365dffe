import { describe, expect, it } from 'vitest';
import type { ChecksView } from '@/lib/protocol/live/views/flake-update-view';
import { aFlakeUpdate, anInput } from './testing/update';
import { changeSentence, checksWords, mergeEmphasis, mergeWarning, shortRev } from './words';

describe('changeSentence', () => {
  it.each([
    [[], 0, '', 'No inputs change'],
    [['nixpkgs'], 0, '', 'nixpkgs changes'],
    [['a', 'b'], 0, '', 'a and b change'],
    [['a', 'b', 'c'], 0, '', 'a, b and c change'],
    [['a', 'b', 'c', 'd', 'e'], 0, '', 'a, b, c and 2 more change'],
    [['a', 'b', 'c'], 7, '', 'a, b, c and 7 more change'],
    [['a'], 0, 'It can’t be read.', 'The changes are unknown'],
  ])('%j, %i more, "%s": %s', (names, moreInputs, inputsProblem, expected) => {
    expect(
      changeSentence(aFlakeUpdate({ inputs: names.map((name) => anInput({ name })), moreInputs, inputsProblem })),
    ).toBe(expected);
  });
});

describe('checksWords and mergeWarning', () => {
  it.each([
    [{ status: 'passed', passed: 1, running: 0, failed: 0 }, '1 check passed', ''],
    [{ status: 'passed', passed: 4, running: 0, failed: 0 }, '4 checks passed', ''],
    [{ status: 'running', passed: 4, running: 2, failed: 0 }, '2 checks are running', /not known yet/],
    [{ status: 'failed', passed: 4, running: 2, failed: 1 }, '1 check failed', /may not build/],
    [{ status: 'none', passed: 0, running: 0, failed: 0 }, 'No checks', ''],
    [{ status: 'unknown', passed: 0, running: 0, failed: 0 }, 'Checks unknown', /could not be read/],
  ] as const)('%j', (checks, text, warning) => {
    expect(checksWords(checks).text).toBe(text);
    expect(mergeWarning(aFlakeUpdate({ checks }))).toEqual(warning === '' ? '' : expect.stringMatching(warning));
  });
});

describe('mergeEmphasis', () => {
  const checks = (status: ChecksView['status']): ChecksView => ({ status, passed: 1, running: 1, failed: 1 });
  it.each([
    ['passed', '', 'primary'],
    ['none', '', 'primary'],
    ['running', '', 'secondary'],
    ['failed', '', 'secondary'],
    ['unknown', '', 'secondary'],
    ['passed', 'It conflicts with the branch: have the update recreated.', 'secondary'],
  ] as const)('checks %s, blocked "%s": %s', (status, blocked, expected) => {
    expect(mergeEmphasis(aFlakeUpdate({ checks: checks(status), blocked }))).toBe(expected);
  });
});

it.each([
  ['3c9a808f0e1d2c3b4a5968778695a4b3c2d1e0ff', '3c9a808'],
  ['sha256-AbCdEfGhIjKlMnOp=', 'AbCdEfGhIj'],
  ['', 'unknown'],
])('"%s" is shown as %s', (rev, expected) => {
  expect(shortRev({ rev, ref: '', lastModified: null, url: '' })).toBe(expected);
});
