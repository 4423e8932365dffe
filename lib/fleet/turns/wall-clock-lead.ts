/** How far the wall clock runs ahead of the time in which the process could work. */
import type { Clock, LoopTime } from '../records/environment';

/** Smaller shifts are left for the next time, because every moved deadline is a stored row. */
export const MIN_SHIFT_MS = 1_000;

export class WallClockLead {
  private taken: number;

  constructor(
    private readonly clock: Pick<Clock, 'now'>,
    private readonly loop: Pick<LoopTime, 'now'>,
  ) {
    this.taken = this.lead;
  }

  /**
   * How far (ms) the wall clock moved ahead of `LoopTime` since the last call: the loop was blocked or the clock was set.
   * Negative when it was set back; 0 below `MIN_SHIFT_MS`, which is carried over.
   */
  take(): number {
    const ms = Math.round(this.lead - this.taken);
    if (Math.abs(ms) < MIN_SHIFT_MS) return 0;
    this.taken += ms;
    return ms;
  }

  private get lead(): number {
    return this.clock.now() - this.loop.now();
  }
}
