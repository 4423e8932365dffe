/** A clock that only the test advances. */
import type { Clock } from '@/lib/fleet/records/environment';

export interface ManualClock extends Clock {
  /** Advances the time and runs due callbacks in order. */
  advance(ms: number): void;
  /** Milliseconds until each planned call, soonest first. */
  planned(): number[];
  /** Resolves when at least this many calls are planned. */
  whenPlanned(count: number): Promise<void>;
}

export function createManualClock(start = 1_800_000_000_000): ManualClock {
  let time = start;
  const waiting: { count: number; resolve: () => void }[] = [];
  let timers: { at: number; callback: () => void }[] = [];
  return {
    now: () => time,
    after(ms, callback) {
      const timer = { at: time + ms, callback };
      timers.push(timer);
      for (const { count, resolve } of waiting) if (timers.length >= count) resolve();
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    whenPlanned: (count) =>
      new Promise((resolve) => {
        if (timers.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    planned: () => timers.map(({ at }) => at - time).sort((a, b) => a - b),
    advance(ms) {
      const end = time + ms;
      for (;;) {
        const due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers = timers.filter((timer) => timer !== due);
        time = Math.max(time, due.at);
        due.callback();
      }
      time = end;
    },
  };
}
