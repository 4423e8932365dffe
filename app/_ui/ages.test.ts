import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ageAgo, duration, shortAge } from './ages';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('ages', () => {
  it.each([
    [-5 * MINUTE, 'now'],
    [0, 'now'],
    [9_999, 'now'],
    [10 * SECOND, '10s'],
    [59_999, '59s'],
    [MINUTE, '1m'],
    [HOUR - 1, '59m'],
    [25 * HOUR, '1d'],
    [13 * DAY, '13d'],
    [14 * DAY, '2w'],
    [364 * DAY, '52w'],
    [800 * DAY, '2y'],
  ])('shows an age of %d ms as %s', (ms, text) => {
    expect(shortAge(ms)).toBe(text);
    expect(ageAgo(ms)).toBe(text === 'now' ? 'just now' : `${text} ago`);
  });

  it.each([
    [-1, '0s'],
    [8_400, '8s'],
    [65 * SECOND, '1m 05s'],
    [2 * HOUR + 3 * MINUTE + 59 * SECOND, '2h 03m'],
  ])('shows a duration of %d ms as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it('never shows a negative number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (ms) => {
        expect(shortAge(ms) + duration(ms)).not.toContain('-');
      }),
    );
  });
});
