/**
 * Windows of the week by the clock of a time zone: whether one is open at a moment, and when the next one opens. A window
 * holds by what the wall clock there shows: an hour that is skipped in spring is never open, and one that is repeated in
 * autumn is open both times. Pure.
 */

/** In the order of ISO 8601. */
export const WEEK_DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type WeekDay = (typeof WEEK_DAYS)[number];

/** `from`, `to`: minutes since midnight, 0 to 1440. A `to` before `from` is on the next day; `days` names the first. */
export interface HoursWindow {
  days: readonly WeekDay[];
  from: number;
  to: number;
}

export interface Hours {
  /** A name of the IANA time zone database, such as Europe/Berlin. */
  zone: string;
  windows: readonly HoursWindow[];
}

export const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Two weeks and a day: a window that the clock skips once in spring opens a week later. */
const HORIZON_MS = 15 * DAY_MS;
/** Formats that are kept: to make one takes a hundred times as long as to use it. */
const MAX_FORMATS = 64;
const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether this program knows the time zone. */
export function isZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}

/** Minutes since midnight of "HH:MM", up to "24:00"; null for anything else. */
export function minutesOf(time: string): number | null {
  const [, hours, minutes] = /^([0-2][0-9]):([0-5][0-9])$/.exec(time) ?? [];
  const total = Number(hours) * 60 + Number(minutes);
  return Number.isInteger(total) && total <= DAY_MINUTES ? total : null;
}

/** Whether a window is open. `at`: milliseconds since 1970. Throws a RangeError for an unknown zone. */
export function isOpen({ zone, windows }: Hours, at: number): boolean {
  return firstOpen(windows, wallClock(zone, at), 1) !== null;
}

/** The first moment from `at` on at which a window is open; null when none opens within two weeks. Throws as `isOpen`. */
export function nextOpening({ zone, windows }: Hours, at: number): number | null {
  let offset = wallClock(zone, at) - at;
  for (let start = at; start < at + HORIZON_MS;) {
    let end = start + HOUR_MS;
    const next = wallClock(zone, end) - end;
    if (next !== offset) end = changeBetween(zone, start, end, offset);
    const wall = firstOpen(windows, start + offset, end - start);
    if (wall !== null) return wall - offset;
    offset = wallClock(zone, end) - end;
    start = end;
  }
  return null;
}

/** The first moment in a span of the wall clock, which is `length` milliseconds, at which a window is open. */
function firstOpen(windows: readonly HoursWindow[], start: number, length: number): number | null {
  const end = start + length;
  let first: number | null = null;
  for (let day = Math.floor(start / DAY_MS) - 1; day * DAY_MS < end; day++) {
    for (const { days, from, to } of windows) {
      if (!days.includes(weekDay(day))) continue;
      const opens = Math.max(start, day * DAY_MS + from * MINUTE_MS);
      const closes = day * DAY_MS + (to > from ? to : to + DAY_MINUTES) * MINUTE_MS;
      if (opens < Math.min(closes, end) && (first === null || opens < first)) first = opens;
    }
  }
  return first;
}

/** The first moment of a span at which the clock has another offset than at its start. */
function changeBetween(zone: string, start: number, end: number, offset: number): number {
  let [before, after] = [start, end];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (wallClock(zone, middle) - middle === offset) before = middle;
    else after = middle;
  }
  return after;
}

/** `day`: days since 1970. That began on a Thursday. */
function weekDay(day: number): WeekDay {
  return WEEK_DAYS[(((day + 3) % 7) + 7) % 7] ?? 'mon';
}

/** What the clock of the zone shows, as the milliseconds at which a clock in UTC shows the same. */
function wallClock(zone: string, at: number): number {
  const part: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) part[type] = Number(value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((at % 1_000) + 1_000) % 1_000);
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  if (formats.size >= MAX_FORMATS) formats.clear();
  formats.set(zone, made);
  return made;
}
