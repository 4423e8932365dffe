/** Formats ages and durations. All functions take milliseconds and never show a negative number. */
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
const YEAR_MS = 365 * DAY_MS;

/** Ages below this are shown as "now", so that the page of a healthy fleet does not change all the time. */
const NOW_MS = 10 * SECOND_MS;

/** The age in its largest unit: "now", "32s", "5m", "3h", "2d", "6w", "2y". */
export function shortAge(ageMs: number): string {
  const age = Math.max(0, ageMs);
  if (age < NOW_MS) return 'now';
  if (age < MINUTE_MS) return `${Math.floor(age / SECOND_MS)}s`;
  if (age < HOUR_MS) return `${Math.floor(age / MINUTE_MS)}m`;
  if (age < DAY_MS) return `${Math.floor(age / HOUR_MS)}h`;
  if (age < 2 * WEEK_MS) return `${Math.floor(age / DAY_MS)}d`;
  if (age < YEAR_MS) return `${Math.floor(age / WEEK_MS)}w`;
  return `${Math.floor(age / YEAR_MS)}y`;
}

/** Like `shortAge`, for sentences: "just now", "5m ago". */
export function ageAgo(ageMs: number): string {
  const age = shortAge(ageMs);
  return age === 'now' ? 'just now' : `${age} ago`;
}

/** How long something takes or took: "8s", "1m 05s", "2h 03m". */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / SECOND_MS));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${pad(seconds % 60)}s`;
  return `${Math.floor(minutes / 60)}h ${pad(minutes % 60)}m`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
