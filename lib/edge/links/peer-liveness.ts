/** Liveness of one peer. Every received byte counts, because an answer may wait behind a large, half-read frame. */
import type { LoopTime } from '@/lib/fleet/records/environment';

/** The part of a socket that liveness needs. */
export interface Transport {
  /** Bytes read from the network so far. */
  readonly bytesRead: number;
}

export class PeerLiveness {
  private seenBytes: number;
  private aliveAt: number;

  /** `isPaused`: true while the dashboard itself is not reading from this peer. */
  constructor(
    private readonly transport: Transport,
    private readonly isPaused: () => boolean,
    private readonly loop: LoopTime,
  ) {
    this.seenBytes = transport.bytesRead;
    this.aliveAt = loop.now();
  }

  /**
   * Time without a received byte (ms of `LoopTime`), at the resolution of the calls. A paused peer does not count as
   * silent.
   */
  silentMs(): number {
    const { bytesRead } = this.transport;
    if (bytesRead !== this.seenBytes || this.isPaused()) {
      this.seenBytes = bytesRead;
      this.aliveAt = this.loop.now();
    }
    return this.loop.now() - this.aliveAt;
  }

  /**
   * Waits for a byte after `ask`, which is called once data already on its way was read, because that proves nothing.
   * Calls back after `ms`, or later while the dashboard itself is not reading. Returns a function that cancels.
   */
  probe(ms: number, ask: () => void, done: (isAlive: boolean) => void): () => void {
    let cancel = this.loop.afterRead(() => {
      const bytesBefore = this.transport.bytesRead;
      const judge = () => {
        const isAlive = this.transport.bytesRead !== bytesBefore;
        if (!isAlive && this.isPaused()) cancel = this.loop.after(ms, judge);
        else done(isAlive);
      };
      ask();
      cancel = this.loop.after(ms, judge);
    });
    return () => cancel();
  }
}
