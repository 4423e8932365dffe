/**
 * Deadlines of a page that its browser may suspend: a tab in the background gets its timers late, and a machine that
 * slept gets them all at once, before the messages that arrived meanwhile.
 */

/** A timer that is later than this means that the page did not run. */
const SUSPENDED_MS = 1_000;
/** The time in which a page that was suspended reads what has arrived. */
const GRACE_MS = 1_000;

/** Calls back after `ms`, and `GRACE_MS` later if the page was suspended. Returns a function that cancels. */
export function afterUnlessSuspended(ms: number, callback: () => void): () => void {
  const dueAt = performance.now() + ms;
  let timer = setTimeout(() => {
    if (performance.now() - dueAt <= SUSPENDED_MS) callback();
    else timer = setTimeout(callback, GRACE_MS);
  }, ms);
  return () => clearTimeout(timer);
}

/** Calls back each time that nothing was received for `limitMs`, by the monotonic clock. */
export class SilenceWatch {
  private receivedAt = performance.now();
  private cancel: () => void;

  constructor(
    readonly limitMs: number,
    private readonly silent: () => void,
  ) {
    this.cancel = this.arm(limitMs);
  }

  /** How long nothing was received, in milliseconds. */
  get silentMs(): number {
    return performance.now() - this.receivedAt;
  }

  received(): void {
    this.receivedAt = performance.now();
  }

  stop(): void {
    this.cancel();
  }

  /** One timer for each limit, not one for each message. */
  private arm(ms: number): () => void {
    return afterUnlessSuspended(ms, () => {
      const { silentMs } = this;
      const isSilent = silentMs >= this.limitMs;
      this.cancel = this.arm(isSilent ? this.limitMs : this.limitMs - silentMs);
      if (isSilent) this.silent();
    });
  }
}
