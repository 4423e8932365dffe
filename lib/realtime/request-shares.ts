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

export class Share {
  private readonly counts = new Map<string, number>();
  private total = 0;
  private refused = 0;

  constructor(private readonly limits: ShareLimits) {}

  /** Gives the way to give the part back, once; null when there is no room. */
  take(who: string): (() => void) | null {
    const count = this.counts.get(who) ?? 0;
    if (count >= this.limits.maxEach || this.total >= this.limits.maxTotal) {
      this.refused += 1;
      return null;
    }
    this.counts.set(who, count + 1);
    this.total += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.total -= 1;
      const left = (this.counts.get(who) ?? 1) - 1;
      if (left === 0) this.counts.delete(who);
      else this.counts.set(who, left);
    };
  }

  use(): LimitUse {
    const { id, label, maxTotal, shown = (who: string) => who } = this.limits;
    const by = [...this.counts]
      .sort(([, one], [, other]) => other - one)
      .slice(0, MAX_NAMED)
      .map(([who, count]) => ({ who: shown(who), count }));
    return { id, label, used: this.total, max: maxTotal, refused: this.refused, by };
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
