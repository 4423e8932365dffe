/** When to fetch: at once, then again and again with some jitter, and on demand, one fetch at a time. */

/** Least time between the start of a fetch and one that was asked for by `soon`. */
export const MIN_ASKED_INTERVAL_MS = 15_000;
/** Many dashboards on one feed must not ask in step. */
const JITTER = 0.1;

export interface PollerOptions {
  intervalMs: number;
  /** Milliseconds since 1970, and a call back after some of them; gives the way to cancel. */
  clock: { now(): number; after(ms: number, callback: () => void): () => void };
  /** From 0 up to 1. */
  random: () => number;
  /** One fetch. Must not reject, and must end soon after the signal was aborted. */
  run: (signal: AbortSignal) => Promise<void>;
}

export interface Poller {
  start(): void;
  /** Ends when the running fetch, if any, has ended. Nothing is fetched afterwards. */
  stop(): Promise<void>;
  /** Fetches now, or joins the fetch that runs. */
  now(): Promise<void>;
  /** Asks for a fetch, which comes at once or when 15 s have gone by since the last one. */
  soon(): void;
}

export function createPoller({ intervalMs, clock, random, run }: PollerOptions): Poller {
  const lifetime = new AbortController();
  let running: Promise<void> | null = null;
  let startedAt = Number.NEGATIVE_INFINITY;
  let polling = false;
  let cancelNext: (() => void) | null = null;
  let cancelAsked: (() => void) | null = null;

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
    cancelAsked?.();
    cancelAsked = null;
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
      if (cancelAsked !== null || lifetime.signal.aborted) return;
      const wait = Math.max(0, startedAt + MIN_ASKED_INTERVAL_MS - clock.now());
      cancelAsked = clock.after(wait, () => {
        cancelAsked = null;
        // A fetch that runs by now began before somebody asked.
        if (running === null) void now();
        else void running.then(() => now());
      });
    },
    async stop() {
      polling = false;
      lifetime.abort();
      cancelNext?.();
      cancelAsked?.();
      await running;
    },
  };
}
