/** A click on the same thing this soon after it was sent is the second of a double-click. */
export const DOUBLE_CLICK_MS = 600;

/**
 * Tells the second of two quick clicks. The dashboard makes one command of them in any case; without this, the second
 * would open a dialog that says that the host is busy with the first.
 */
export class DoubleClicks {
  private last = { key: '', at: Number.NEGATIVE_INFINITY };

  /** It was sent. `now`: milliseconds of a clock that does not jump. */
  sent(key: string, now: number): void {
    this.last = { key, at: now };
  }

  isSecond(key: string, now: number): boolean {
    return this.last.key === key && now - this.last.at < DOUBLE_CLICK_MS;
  }
}
