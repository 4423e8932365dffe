/** Hours and moments for people, in English. Pure. */
import { DAY_MINUTES, WEEK_DAYS, type HoursWindow, type WeekDay } from './hours';

const DAY_WORDS: Readonly<Record<WeekDay, string>> = {
  mon: 'Mon',
  tue: 'Tue',
  wed: 'Wed',
  thu: 'Thu',
  fri: 'Fri',
  sat: 'Sat',
  sun: 'Sun',
};

/** "Mon–Fri 22:00–04:00", "every day 00:00–24:00". */
export function windowText({ days, from, to }: HoursWindow): string {
  return `${daysText(days)} ${clockText(from)}–${clockText(to)}`;
}

function daysText(days: readonly WeekDay[]): string {
  const chosen = WEEK_DAYS.map((day) => days.includes(day));
  if (chosen.every(Boolean)) return 'every day';
  const runs: WeekDay[][] = [];
  WEEK_DAYS.forEach((day, index) => {
    const run = runs.at(-1);
    if (!chosen[index]) return;
    if (run && chosen[index - 1]) run.push(day);
    else runs.push([day]);
  });
  return runs
    .map((run) => {
      const words = run.map((day) => DAY_WORDS[day]);
      return words.length > 2 ? `${words[0] ?? ''}–${words.at(-1) ?? ''}` : words.join(', ');
    })
    .join(', ');
}

/** "22:00"; midnight at the end of a day is "24:00". */
function clockText(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const shown = Math.min(Math.max(minutes, 0), DAY_MINUTES);
  return `${two(Math.floor(shown / 60))}:${two(shown % 60)}`;
}

/** "Sun 29 Nov, 22:00 (Europe/Berlin)". `at`: milliseconds since 1970. */
export function momentText(at: number, zone: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at);
  const of = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? '';
  return `${of('weekday')} ${of('day')} ${of('month')}, ${of('hour')}:${of('minute')} (${zone})`;
}
