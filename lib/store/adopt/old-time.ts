/** Parses the forms in which older dashboards stored a time. All are UTC unless they name a zone. */
import type { OldValue } from './old-row';

const TEXT =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)? ?(Z|UTC|([+-])(\d{2}):?(\d{2})(?: [A-Z+-][A-Z0-9]*)?)?(?: m=[+-][\d.]+)?$/;
/** Numbers below are seconds (until the year 5138), from there on milliseconds. */
const MILLISECONDS_FROM = 1e11;
/** 1973: a smaller number is not a time of this project. */
const SECONDS_FROM = 1e8;
const MILLISECONDS_UNTIL = 1e14;
const MINUTE_MS = 60_000;

/**
 * Epoch milliseconds, or null for an invalid time. Python's `isoformat()` without zone, with or without a fraction;
 * SQLite's `datetime('now')`; RFC 3339; Go's `time.String()`; epoch seconds or milliseconds.
 */
export function parseOldTime(value: OldValue): number | null {
  if (typeof value === 'number' || typeof value === 'bigint') return fromNumber(Number(value));
  if (typeof value !== 'string') return null;
  const text = value.trim();
  if (/^\d{9,14}$/.test(text)) return fromNumber(Number(text));
  const match = TEXT.exec(text);
  if (!match) return null;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', , sign, zoneHours, zoneMinutes] =
    match;
  const parts = [year, month, day, hour, minute, second].map(Number);
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = parts;
  const at = new Date(Date.UTC(y, mo - 1, d, h, mi, s));
  // Date.UTC turns the 31st of April into the 1st of May.
  const isReal =
    at.getUTCMonth() === mo - 1 &&
    at.getUTCDate() === d &&
    at.getUTCHours() === h &&
    at.getUTCMinutes() === mi &&
    s < 60;
  if (!isReal || y < 1970) return null;
  const zone = sign === undefined ? 0 : Number(zoneHours) * 60 + Number(zoneMinutes);
  const ms = Number(fraction.padEnd(3, '0').slice(0, 3));
  return at.getTime() + ms - (sign === '-' ? -zone : zone) * MINUTE_MS;
}

function fromNumber(value: number): number | null {
  if (!(value >= SECONDS_FROM && value < MILLISECONDS_UNTIL)) return null;
  return Math.trunc(value < MILLISECONDS_FROM ? value * 1_000 : value);
}
