/**
 * Runs a bounded number of requests at once. The others wait and are started client by client, so that a client that
 * sends thousands delays no other. The event loop turns between two starts.
 */
import type { LimitUse } from '@/lib/limits/limit-use';

export interface QueueLimits {
  id: string;
  label: string;
  maxRunning: number;
  /** Of one address, browser or session. */
  maxRunningEach: number;
  maxWaiting: number;
  maxWaitingEach: number;
}

/** Longest time in the queue. */
export const MAX_WAIT_MS = 30_000;
/**
 * A running request counts as done after this long: its work is over by then, and a slow reader must not keep the
 * place.
 */
export const MAX_HOLD_MS = 2_000;
/** Number of clients listed in the limits. */
const TOP_NAMES = 5;

/** Ends the turn. Must be called; further calls do nothing. */
export type EndTurn = () => void;

interface WaitingRequest {
  settle: (end: EndTurn | null) => void;
  waitTimer: NodeJS.Timeout;
}

export class FairQueue {
  private running = 0;
  private readonly runningBy = new Map<string, number>();
  /** Waiting requests by client, in the order of the next turns. */
  private readonly waitingBy = new Map<string, Set<WaitingRequest>>();
  private waiting = 0;
  private refused = 0;
  private isDraining = false;

  constructor(private readonly limits: QueueLimits) {}

  /**
   * Waits for a turn. Null when the queue is full, the wait was too long, or `onLeave` reported that the client left.
   */
  enter(who: string, onLeave: (leave: () => void) => void): Promise<EndTurn | null> {
    const queued = this.waitingBy.get(who);
    if (!queued && this.mayRun(who)) return Promise.resolve(this.start(who));
    if (this.waiting >= this.limits.maxWaiting || (queued?.size ?? 0) >= this.limits.maxWaitingEach) {
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
      const entry: WaitingRequest = { settle, waitTimer };
      this.waitingBy.set(who, (queued ?? new Set()).add(entry));
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
      .slice(0, TOP_NAMES);
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

  private remove(who: string, entry: WaitingRequest): void {
    const queued = this.waitingBy.get(who);
    if (!queued?.delete(entry)) return;
    this.waiting -= 1;
    if (queued.size === 0) this.waitingBy.delete(who);
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
    for (const [who, queued] of this.waitingBy) {
      if (!this.mayRun(who)) continue;
      const [next] = queued;
      if (!next) continue;
      // Its other requests come after those of all other clients.
      this.waitingBy.delete(who);
      this.waitingBy.set(who, queued);
      next.settle(this.start(who));
      this.drain();
      return;
    }
  }
}
