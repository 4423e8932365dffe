/** Limits on concurrent requests: in total and per client. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { LimitUse } from '@/lib/limits/limit-use';

export interface ShareLimits {
  id: string;
  label: string;
  /** Per address, browser or session. */
  maxEach: number;
  maxTotal: number;
  /** How a client is shown to the operator. */
  display?: (who: string) => string;
}

/** Number of clients listed in the limits. */
const MAX_NAMED = 5;

/**
 * A request whose body takes longer may be evicted when others need the room: what a person sends arrives in one piece.
 */
const EVICT_AFTER_MS = 500;

/** One request's place in a share. */
export interface Part {
  /** Frees the place; further calls do nothing. */
  release: () => void;
  /** Its body has arrived: it can no longer be evicted. */
  settled: () => void;
}

interface Holder {
  who: string;
  takenAt: number;
  /** Null once it can no longer be evicted. */
  evict: (() => void) | null;
}

export class Share {
  private readonly counts = new Map<string, number>();
  /** Oldest first. */
  private readonly holders = new Set<Holder>();
  private refused = 0;

  /** `now`: milliseconds of a monotonic clock. */
  constructor(
    private readonly limits: ShareLimits,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Takes a place; null when there is no room. When the share is full, the request whose body has taken longest is
   * evicted: its `evict` is called and its place freed.
   */
  take(who: string, evict: (() => void) | null = null): Part | null {
    if (this.countOf(who) >= this.limits.maxEach && !this.makeRoom(who)) return null;
    if (this.holders.size >= this.limits.maxTotal && !this.makeRoom(null)) return null;
    const holder: Holder = { who, takenAt: this.now(), evict };
    this.holders.add(holder);
    this.counts.set(who, this.countOf(who) + 1);
    return {
      release: () => this.release(holder),
      settled: () => {
        holder.evict = null;
      },
    };
  }

  private countOf(who: string): number {
    return this.counts.get(who) ?? 0;
  }

  /** Evicts the oldest evictable request, of all clients (null) or of one. Counts a refusal either way. */
  private makeRoom(who: string | null): boolean {
    this.refused += 1;
    const now = this.now();
    for (const holder of this.holders) {
      if (now - holder.takenAt < EVICT_AFTER_MS) return false;
      if (holder.evict === null || (who !== null && holder.who !== who)) continue;
      const { evict } = holder;
      this.release(holder);
      evict();
      return true;
    }
    return false;
  }

  private release(holder: Holder): void {
    if (!this.holders.delete(holder)) return;
    const left = this.countOf(holder.who) - 1;
    if (left === 0) this.counts.delete(holder.who);
    else this.counts.set(holder.who, left);
  }

  use(): LimitUse {
    const { id, label, maxTotal, display = (who: string) => who } = this.limits;
    const by = [...this.counts]
      .sort(([, one], [, other]) => other - one)
      .slice(0, MAX_NAMED)
      .map(([who, count]) => ({ who: display(who), count }));
    return { id, label, used: this.holders.size, max: maxTotal, refused: this.refused, by };
  }
}

/** Frees places when their request has ended. */
export class ShareReleases {
  private readonly heldBySocket = new WeakMap<Socket, Set<() => void>>();

  /**
   * Frees a place however the request ends: answered, refused, or left by the client. A response that waits on a
   * connection with several requests gets no event when the connection closes, so both are watched.
   */
  atEnd(socket: Socket, response: ServerResponse, release: () => void): void {
    const held = this.heldBySocket.get(socket) ?? new Set();
    if (!this.heldBySocket.has(socket)) {
      this.heldBySocket.set(socket, held);
      socket.once('close', () => {
        for (const each of held) each();
      });
    }
    held.add(release);
    response.once('close', () => {
      held.delete(release);
      release();
    });
  }
}
