/**
 * A budget of log lines for each message: whoever makes the dashboard repeat one leaves some lines and one that counts
 * the rest, not a full disk.
 */

/** Lines of one message within a window. */
export const LINES_PER_WINDOW = 30;
export const WINDOW_MS = 60_000;
/** Messages that are counted at once; further ones share one count. */
const MAX_MESSAGES = 500;
const OVERFLOW = 'other messages';

export class LineBudget {
  private readonly lines = new Map<string, number>();
  private windowTimer: NodeJS.Timeout | null = null;

  /** `report` is called when a window ends, for each message of which lines were left out. */
  constructor(private readonly report: (message: string, leftOut: number) => void) {}

  /** Counts a line of this message; false when it is to be left out. */
  allows(message: string): boolean {
    this.windowTimer ??= setTimeout(() => this.endWindow(), WINDOW_MS).unref();
    const counted = this.lines.has(message) || this.lines.size < MAX_MESSAGES ? message : OVERFLOW;
    const lines = (this.lines.get(counted) ?? 0) + 1;
    this.lines.set(counted, lines);
    return lines <= LINES_PER_WINDOW;
  }

  private endWindow(): void {
    this.windowTimer = null;
    const over = [...this.lines].filter(([, lines]) => lines > LINES_PER_WINDOW);
    this.lines.clear();
    for (const [message, lines] of over) this.report(message, lines - LINES_PER_WINDOW);
  }
}
