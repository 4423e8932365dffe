/** The clock of the real event loop, which a test can advance. */
import { LoopClock } from '../loop-clock';

export class ShiftedLoop extends LoopClock {
  /** Acts as if this time had passed with everything read; due callbacks follow soon. */
  advance(ms: number): void {
    this.pass(ms);
  }
}
