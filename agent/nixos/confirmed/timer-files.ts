/** What the files of nixfleet-root say of the timer that goes back. Reading them needs no root, and leaves no line in the log of sudo. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { valuesOf } from '../root-helper';

/** What the timer's unit wrote at its end. */
export interface BackResult {
  exitCode: number;
  /** Units that it had to stop first: an activation that hung. */
  stoppedUnits: readonly string[];
}

export interface TimerFiles {
  /** `firing`: it goes back now. `fired`: it has gone back. */
  state: 'none' | 'armed' | 'disarmed' | 'firing' | 'fired';
  /**
   * Milliseconds until an armed timer fires, by a clock that nobody sets; null when that is not known. That clock includes
   * the time in which the host was suspended, and the timer's does not: so it is not known either when it seems overdue.
   */
  leftMs: number | null;
  /** The delay with which it was armed last; null when it is not known. */
  seconds: number | null;
  back: BackResult | null;
}

export const BACK_OUTPUT = 'back-output';
/** How late a timer may be: systemd has to start its unit. */
const OVERDUE_MS = 30_000;

/** `folder`: that of the operation; '' when it is not known. */
export function readTimer(folder: string): TimerFiles {
  if (folder === '') return { state: 'none', leftMs: null, seconds: null, back: null };
  const armed = read(folder, 'fired') ?? read(folder, 'armed');
  const delay = Number(armed?.get('seconds'));
  const seconds = Number.isFinite(delay) ? delay : null;
  const back = read(folder, 'back-result');
  if (back !== null) {
    const exitCode = Number(back.get('exit') ?? '');
    const stoppedUnits = (back.get('stopped_units') ?? '').split(' ').filter((name) => name !== '');
    return { state: 'fired', leftMs: null, seconds, back: { exitCode, stoppedUnits } };
  }
  const is = (state: TimerFiles['state'], leftMs: number | null = null): TimerFiles => ({
    state,
    leftMs,
    seconds,
    back: null,
  });
  if (existsSync(join(folder, 'fired'))) return is('firing');
  if (existsSync(join(folder, 'disarmed'))) return is('disarmed');
  if (armed === null) return is('none');
  const leftMs = (delay - secondsSince(armed)) * 1_000;
  return is('armed', leftMs >= -OVERDUE_MS ? leftMs : null);
}

/** Since the timer was armed. Without an uptime in the file: by the clock. */
function secondsSince(armed: ReadonlyMap<string, string>): number {
  // As the kernel writes it: seconds, and those of all idle processors.
  const uptime = Number(armed.get('uptime')?.split(' ')[0]);
  return Number.isFinite(uptime) ? uptimeSeconds() - uptime : Date.now() / 1_000 - Number(armed.get('armed'));
}

const uptimeSeconds = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);

function read(folder: string, name: string): ReadonlyMap<string, string> | null {
  try {
    return valuesOf(readFileSync(join(folder, name), 'utf8').split('\n'));
  } catch {
    return null;
  }
}
