/**
 * Lets a bounded number of requests be worked on at once; the others wait their turn, address by address, so that one
 * that sends thousands keeps nobody else waiting. Between two starts the event loop turns.
 */
import type { LimitUse } from '@/lib/protocol/limit-use';

export interface QueueLimits {
  id: string;
  label: string;
  maxRunning: number;
  /** Of one address, browser or session. */
  maxRunningEach: number;
  maxWaiting: number;
  maxWaitingEach: number;
}

/** Nobody waits for longer. */
export const MAX_WAIT_MS = 30_000;
/**
 * After so long, whoever works counts as done: the work of a page is over by then, and only its reader is slow, who must
 * not keep the place.
 */
export const MAX_HOLD_MS = 2_000;
/** How many of those who wait most are named. */
const NAMED = 5;

/** Ends the turn; to be called at least once, more does nothing. */
export type EndTurn = () => void;

interface Waiting {
  settle: (end: EndTurn | null) => void;
  waitTimer: NodeJS.Timeout;
}

export class FairQueue {
  private running = 0;
  private readonly runningBy = new Map<string, number>();
  /** Who waits, in the order of their next turns. */
  private readonly waitingBy = new Map<string, Set<Waiting>>();
  private waiting = 0;
  private refused = 0;
  private isDraining = false;

  constructor(private readonly limits: QueueLimits) {}

  /** Waits for a turn. Null when there is no room to wait, it took too long, or `onLeave` told that the client left. */
  enter(who: string, onLeave: (leave: () => void) => void): Promise<EndTurn | null> {
    const own = this.waitingBy.get(who);
    if (!own && this.mayRun(who)) return Promise.resolve(this.start(who));
    if (this.waiting >= this.limits.maxWaiting || (own?.size ?? 0) >= this.limits.maxWaitingEach) {
      this.refused += 1;
      return Promise.resolve(null);
    }
    return new Promise((resolve) => {
      const settle = (end: EndTurn | null) => {
        clearTimeout(waitTimer);
        this.remove(who, entry);
        resolve(end);
      };
      const waitTimer = setTimeout(() => {
        this.refused += 1;
        settle(null);
      }, MAX_WAIT_MS);
      waitTimer.unref();
      const entry: Waiting = { settle, waitTimer };
      this.waitingBy.set(who, (own ?? new Set()).add(entry));
      this.waiting += 1;
      onLeave(() => {
        if (this.waitingBy.get(who)?.has(entry)) settle(null);
      });
    });
  }

  use(): LimitUse {
    const { id, label, maxWaiting } = this.limits;
    const by = [...this.waitingBy]
      .map(([who, { size }]) => ({ who, count: size }))
      .sort((one, other) => other.count - one.count)
      .slice(0, NAMED);
    return { id, label, used: this.waiting, max: maxWaiting, refused: this.refused, by };
  }

  private mayRun(who: string): boolean {
    const { maxRunning, maxRunningEach } = this.limits;
    return this.running < maxRunning && (this.runningBy.get(who) ?? 0) < maxRunningEach;
  }

  private start(who: string): EndTurn {
    this.running += 1;
    this.runningBy.set(who, (this.runningBy.get(who) ?? 0) + 1);
    let isOver = false;
    const end = () => {
      clearTimeout(holdTimer);
      if (isOver) return;
      isOver = true;
      this.running -= 1;
      const left = (this.runningBy.get(who) ?? 1) - 1;
      if (left === 0) this.runningBy.delete(who);
      else this.runningBy.set(who, left);
      this.drain();
    };
    const holdTimer = setTimeout(end, MAX_HOLD_MS);
    holdTimer.unref();
    return end;
  }

  private remove(who: string, entry: Waiting): void {
    const own = this.waitingBy.get(who);
    if (!own?.delete(entry)) return;
    this.waiting -= 1;
    if (own.size === 0) this.waitingBy.delete(who);
  }

  private drain(): void {
    if (this.isDraining || this.waiting === 0) return;
    this.isDraining = true;
    setImmediate(() => {
      this.isDraining = false;
      this.startNext();
    });
  }

  private startNext(): void {
    for (const [who, own] of this.waitingBy) {
      if (!this.mayRun(who)) continue;
      const [next] = own;
      if (!next) continue;
      // Its others come after those of everybody else.
      this.waitingBy.delete(who);
      this.waitingBy.set(who, own);
      next.settle(this.start(who));
      this.drain();
      return;
    }
  }
}
