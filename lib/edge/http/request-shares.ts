/** How many requests may be under way at once: altogether, and of each who sends them. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { LimitUse } from '@/lib/protocol/limit-use';

export interface ShareLimits {
  id: string;
  label: string;
  /** Of one address, browser or session. */
  maxEach: number;
  maxTotal: number;
  /** How whoever holds a part is shown to the operator. */
  shown?: (who: string) => string;
}

/** How many of the greatest holders are named. */
const MAX_NAMED = 5;

/** Who sends a body for so long is ended when others need the room: what a person sends arrives in one piece. */
const OUSTED_AFTER_MS = 500;

/** A part of a share. */
export interface Part {
  /** Gives it back; once, more does nothing. */
  release: () => void;
  /** Its body has arrived: it is not ended for the sake of others any more. */
  settled: () => void;
}

interface Holder {
  who: string;
  takenAt: number;
  /** Null once it may not be ended. */
  oust: (() => void) | null;
}

export class Share {
  private readonly counts = new Map<string, number>();
  /** Oldest first. */
  private readonly holders = new Set<Holder>();
  private refused = 0;

  constructor(private readonly limits: ShareLimits) {}

  /**
   * Takes a part; null when there is no room. Where it is full, whoever sends a body for longest makes room: `oust` is
   * called when that is this one, and its part is given back.
   */
  take(who: string, oust: (() => void) | null = null): Part | null {
    if (this.countOf(who) >= this.limits.maxEach && !this.makeRoom(who)) return null;
    if (this.holders.size >= this.limits.maxTotal && !this.makeRoom(null)) return null;
    const holder: Holder = { who, takenAt: performance.now(), oust };
    this.holders.add(holder);
    this.counts.set(who, this.countOf(who) + 1);
    return {
      release: () => this.release(holder),
      settled: () => {
        holder.oust = null;
      },
    };
  }

  private countOf(who: string): number {
    return this.counts.get(who) ?? 0;
  }

  /** Ends the oldest that may be ended, of everybody (null) or of one. Counts a refusal either way. */
  private makeRoom(who: string | null): boolean {
    this.refused += 1;
    const now = performance.now();
    for (const holder of this.holders) {
      if (now - holder.takenAt < OUSTED_AFTER_MS) return false;
      if (holder.oust === null || (who !== null && holder.who !== who)) continue;
      const { oust } = holder;
      this.release(holder);
      oust();
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
    const { id, label, maxTotal, shown = (who: string) => who } = this.limits;
    const by = [...this.counts]
      .sort(([, one], [, other]) => other - one)
      .slice(0, MAX_NAMED)
      .map(([who, count]) => ({ who: shown(who), count }));
    return { id, label, used: this.holders.size, max: maxTotal, refused: this.refused, by };
  }
}

/** Gives parts of shares back when their request has ended. */
export class ShareReleases {
  private readonly heldBySocket = new WeakMap<Socket, Set<() => void>>();

  /**
   * Gives a part back however the request ends: answered, refused, or left by the client. A response that waits for its
   * turn on a connection with several requests is never told that the connection is over, so that both are watched.
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
