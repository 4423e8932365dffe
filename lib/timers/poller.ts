/** Schedules a fetch: at once, then repeatedly with jitter, and on demand; one fetch at a time. */

/** The shortest time between the start of a fetch and one requested by `soon`. */
export const MIN_REQUESTED_INTERVAL_MS = 15_000;
/** Many dashboards on one feed must not fetch in step. */
const JITTER = 0.1;

export interface PollerOptions {
  intervalMs: number;
  /** Milliseconds since 1970, and a callback after a delay; returns the cancel function. */
  clock: { now(): number; after(ms: number, callback: () => void): () => void };
  /** From 0 up to 1. */
  random: () => number;
  /** One fetch. Must not reject, and must end soon after the signal was aborted. */
  run: (signal: AbortSignal) => Promise<void>;
}

export interface Poller {
  start(): void;
  /** Resolves when the running fetch, if any, has ended. Nothing is fetched afterwards. */
  stop(): Promise<void>;
  /** Fetches now, or joins the running fetch. */
  now(): Promise<void>;
  /** Requests a fetch, which starts at once or 15 s after the start of the last one. */
  soon(): void;
}

export function createPoller({ intervalMs, clock, random, run }: PollerOptions): Poller {
  const lifetime = new AbortController();
  let running: Promise<void> | null = null;
  let startedAt = Number.NEGATIVE_INFINITY;
  let polling = false;
  let cancelNext: (() => void) | null = null;
  let cancelRequested: (() => void) | null = null;

  function planNext(): void {
    cancelNext?.();
    cancelNext = null;
    if (!polling || lifetime.signal.aborted) return;
    const wait = intervalMs * (1 - JITTER + 2 * JITTER * random());
    cancelNext = clock.after(Math.round(wait), () => void now());
  }

  function now(): Promise<void> {
    if (lifetime.signal.aborted) return Promise.resolve();
    if (running !== null) return running;
    cancelRequested?.();
    cancelRequested = null;
    startedAt = clock.now();
    running = run(lifetime.signal).finally(() => {
      running = null;
      planNext();
    });
    return running;
  }

  return {
    now,
    start() {
      if (polling) return;
      polling = true;
      void now();
    },
    soon() {
      if (cancelRequested !== null || lifetime.signal.aborted) return;
      // The clock may have been set back: never longer than the interval.
      const left = startedAt + MIN_REQUESTED_INTERVAL_MS - clock.now();
      const wait = Math.min(MIN_REQUESTED_INTERVAL_MS, Math.max(0, left));
      cancelRequested = clock.after(wait, () => {
        cancelRequested = null;
        // A fetch that is running now began before the request.
        if (running === null) void now();
        else void running.then(() => now());
      });
    },
    async stop() {
      polling = false;
      lifetime.abort();
      cancelNext?.();
      cancelRequested?.();
      await running;
    },
  };
}
