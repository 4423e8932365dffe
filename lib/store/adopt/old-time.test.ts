import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseOldTime } from './old-time';

const AT = Date.UTC(2026, 10, 22, 17, 19, 48);

describe('a time of an older dashboard', () => {
  it.each([
    ['version 1, isoformat() without a zone', '2026-11-22T17:19:48.790536', AT + 790],
    ['the same on a full second', '2026-11-22T17:19:48', AT],
    ["SQLite's datetime('now')", '2026-11-22 17:19:48', AT],
    ['RFC 3339', '2026-11-22T17:19:48Z', AT],
    ['RFC 3339 with a zone', '2026-11-22T19:19:48.5+02:00', AT + 500],
    ['RFC 3339, west', '2026-11-22T09:49:48-07:30', AT],
    ['the Go driver', '2026-11-22 17:19:48.790536484+00:00', AT + 790],
    ["Go's time.String()", '2026-11-22 17:19:48.790536484 +0000 UTC m=+0.012', AT + 790],
    ["Go's time.String() with a zone name", '2026-11-22 18:19:48.5 +0100 CET', AT + 500],
    ['a day, as typed by a person', '2026-11-22', Date.UTC(2026, 10, 22)],
    ['epoch seconds', AT / 1_000, AT],
    ['epoch seconds as a bigint', BigInt(AT / 1_000), AT],
    ['epoch milliseconds', AT, AT],
    ['epoch seconds as text', String(AT / 1_000), AT],
  ])('%s', (_name, value, at) => {
    expect(parseOldTime(value)).toBe(at);
  });

  it.each([
    null,
    '',
    'garbage',
    '2026-02-31 10:00:00',
    '2026-13-01',
    '2026-11-22T25:00:00',
    '2026-11-22T10:61:00',
    '0001-01-01 00:00:00+00:00',
    '2025-12-11 (kernel)',
    0,
    -5,
    17,
    Infinity,
    NaN,
    2 ** 60,
    Buffer.from('2026-11-22'),
  ])('is not parsed: %s', (value) => {
    expect(parseOldTime(value)).toBeNull();
  });

  it('is parsed to the millisecond in every form', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1e11, max: 2e12 }), (at) => {
        const iso = new Date(at).toISOString();
        for (const text of [iso, iso.slice(0, -1), iso.replace('T', ' ').replace('Z', '+00:00')]) {
          expect(parseOldTime(text)).toBe(at);
        }
      }),
    );
  });
});
