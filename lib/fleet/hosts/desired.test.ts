import { describe, expect, it } from 'vitest';
import { sameCommit } from './desired';

describe('sameCommit', () => {
  const full = '3c9a808f0e1d2c3b4a5968778695a4b3c2d1e0ff';

  it.each([
    ['the first seven characters name the commit', '3c9a808', full, true],
    ['either way round', full, '3c9a808', true],
    ['upper case is the same', '3C9A808', full, true],
    ['a commit of a SHA-256 repository', '3c9a808', `${full}${full.slice(0, 24)}`, true],
    ['another commit', '3c9a809', full, false],
    ['fewer than seven say nothing', '3c9a80', full, false],
    ['nothing is not the same as nothing', '', '', false],
    ['"unknown" never counts as equal', 'unknown', 'unknown', false],
    ['a dirty tree is not a commit', '3c9a808-dirty', '3c9a808-dirty', false],
  ])('%s', (_name, a, b, expected) => {
    expect(sameCommit(a, b)).toBe(expected);
  });
});
