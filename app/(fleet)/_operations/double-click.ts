/** A click on the same button this soon after the first is the second of a double-click. */
export const DOUBLE_CLICK_MS = 600;

/**
 * Detects the second of two quick clicks. The dashboard creates only one command either way, but the second click would
 * open a dialog that says that the host is busy with the first.
 */
export class DoubleClicks {
  private last = { key: '', at: Number.NEGATIVE_INFINITY };

  /** Records a sent request. `now`: milliseconds of a monotonic clock. */
  sent(key: string, now: number): void {
    this.last = { key, at: now };
  }

  isSecond(key: string, now: number): boolean {
    return this.last.key === key && now - this.last.at < DOUBLE_CLICK_MS;
  }
}
