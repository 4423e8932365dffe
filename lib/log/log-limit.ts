/**
 * A budget of log lines per message, so that a repeated message leaves some lines and one that counts the rest, not a
 * full disk.
 */

/** Lines of one message within a window. */
export const LINES_PER_WINDOW = 30;
export const WINDOW_MS = 60_000;
/** Most messages counted separately; further ones share one count. */
const MAX_MESSAGES = 500;
const OVERFLOW = 'other messages';

export class LineBudget {
  private readonly lines = new Map<string, { count: number; max: number }>();
  private windowTimer: NodeJS.Timeout | null = null;

  /** `report` is called at the end of a window for each message with suppressed lines. */
  constructor(private readonly report: (message: string, leftOut: number) => void) {}

  /** Counts a line of this message; false when it exceeds `max`. */
  allows(message: string, max = LINES_PER_WINDOW): boolean {
    this.windowTimer ??= setTimeout(() => this.endWindow(), WINDOW_MS).unref();
    const counted = this.lines.has(message) || this.lines.size < MAX_MESSAGES ? message : OVERFLOW;
    const count = (this.lines.get(counted)?.count ?? 0) + 1;
    this.lines.set(counted, { count, max });
    return count <= max;
  }

  private endWindow(): void {
    this.windowTimer = null;
    const over = [...this.lines].filter(([, { count, max }]) => count > max);
    this.lines.clear();
    for (const [message, { count, max }] of over) this.report(message, count - max);
  }
}
