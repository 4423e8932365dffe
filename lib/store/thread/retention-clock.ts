/**
 * The time by which retention deletes old rows. An hour in which the clock of the machine is wrong (a dead battery, a
 * virtual machine that was restored) must not delete the history: a leap counts once the clock has stayed there for a day.
 */
import { z } from 'zod';
import type { SettingsStore } from '@/lib/auth/agents/agent-ports';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How far the clock may be from the known time and the time that has passed since. A dashboard may be off for weeks. */
export const MAX_LEAP_MS = 30 * DAY_MS;
/** How long the clock has to stay after a leap. */
export const CONFIRM_AFTER_MS = DAY_MS;
/** How far the clock may move in an hour in which it stays, and across a restart, of which the duration is not known. */
const STAYS_WITHIN_MS = HOUR_MS;
const STAYS_WITHIN_RESTART_MS = 7 * DAY_MS;

const KEY = 'retention.clock';
const stateSchema = z.object({
  /** The clock when it was last plausible. */
  known: z.number(),
  /** The clock when a leap was first seen, and when it was seen last. */
  leap: z.object({ since: z.number(), last: z.number() }).nullable(),
});
type ClockState = z.infer<typeof stateSchema>;

export interface RetentionTime {
  /** By which rows are deleted. Epoch milliseconds, as the others. */
  at: number;
  /** The clock leapt from `known` to `now`; null where it can be used. */
  leap: { known: number; now: number } | null;
}

export type RetentionClock = (now: number) => Promise<RetentionTime>;

/**
 * `elapsed`: milliseconds from any start, which setting the clock does not change. `newestBefore`: the time of the newest
 * event that an earlier process stored, for a database in which no time is known yet; null without one.
 */
export function createRetentionClock(options: {
  settings: Pick<SettingsStore, 'get' | 'set'>;
  elapsed: () => number;
  newestBefore: () => Promise<number | null>;
}): RetentionClock {
  const { settings, elapsed, newestBefore } = options;
  let lastElapsed: number | null = null;

  async function load(now: number): Promise<ClockState> {
    const stored = stateSchema.safeParse(await settings.get(KEY));
    return stored.success ? stored.data : { known: (await newestBefore()) ?? now, leap: null };
  }

  return async (now) => {
    const state = await load(now);
    const passedMs = lastElapsed === null ? null : elapsed() - lastElapsed;
    const next = nextState(state, now, passedMs);
    await settings.set(KEY, next, now);
    lastElapsed = elapsed();
    if (next.leap === null) return { at: now, leap: null };
    // Rows of a future that may be none stay as well.
    return { at: Math.min(now, next.known), leap: { known: next.known, now } };
  };
}

/** `passedMs`: since the clock was judged last; null for the first time in a process. */
function nextState({ known, leap }: ClockState, now: number, passedMs: number | null): ClockState {
  const usable = { known: now, leap: null };
  if (Math.abs(now - known - (passedMs ?? 0)) <= MAX_LEAP_MS) return usable;
  const stays = leap !== null && isStill(leap.last, now, passedMs);
  const since = stays ? leap.since : now;
  return now - since >= CONFIRM_AFTER_MS ? usable : { known, leap: { since, last: now } };
}

function isStill(last: number, now: number, passedMs: number | null): boolean {
  const latest = passedMs === null ? last + STAYS_WITHIN_RESTART_MS : last + passedMs + STAYS_WITHIN_MS;
  return now >= last - STAYS_WITHIN_MS && now <= latest;
}
