/** Pauses that can all be ended at once, so that a closed agent leaves no timer behind. */
export class Pauses {
  private readonly pending = new Set<() => void>();
  private over = false;

  /** Resolves after `ms` or when `wake` is called; at once for 0. */
  async wait(ms: number, onStart?: (wake: () => void) => void): Promise<void> {
    if (ms <= 0 || this.over) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.pending.delete(end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      this.pending.add(end);
      onStart?.(end);
    });
  }

  /** Ends every pause now; later ones end at once. */
  endAll(): void {
    this.over = true;
    for (const end of [...this.pending]) end();
  }
}
