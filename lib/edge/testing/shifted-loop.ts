/** The clock of the real event loop, which a test can advance. */
import { LoopClock } from '../loop-clock';

export class ShiftedLoop extends LoopClock {
  private heldAt: number | null = null;

  override now(): number {
    return this.heldAt ?? super.now();
  }

  /** Stops the time, for work whose real duration must not count. */
  hold(): void {
    this.heldAt = super.now();
  }

  /** Lets the time go on. */
  release(): void {
    this.heldAt = null;
  }

  /** Acts as if this time had passed with everything read; due callbacks follow soon. */
  advance(ms: number): void {
    this.pass(ms);
  }
}
