/** How far the wall clock runs ahead of the time in which the process could work. */
import type { Clock, LoopTime } from '../records/environment';

/** Less than this is left to the next time: every deadline that moves is a row that is stored. */
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
   * By how much (ms) the wall clock went further than `LoopTime` since this was asked last: the loop was held, or the
   * clock was set. Negative when it was put back; 0 below `MIN_SHIFT_MS`, which is not lost.
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
