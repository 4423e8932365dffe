/** The time of the real event loop, which a test can put forward. */
import { LoopClock } from '../loop-clock';

export class ShiftedLoop extends LoopClock {
  /** As if so much time had passed in which everything was read; who waits for it is called back soon. */
  advance(ms: number): void {
    this.pass(ms);
  }
}
