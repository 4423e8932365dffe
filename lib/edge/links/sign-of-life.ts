/** Signs of life of one peer. Every byte that arrives is one: an answer may wait behind a large, half-read frame. */
import type { LoopTime } from '@/lib/fleet/records/environment';

/** The socket below, as far as it tells of life. */
export interface Transport {
  /** Bytes read from the network so far. */
  readonly bytesRead: number;
}

export class Life {
  private seenBytes: number;
  private aliveAt: number;

  /** `isPaused`: the dashboard itself is not reading from this peer. */
  constructor(
    private readonly transport: Transport,
    private readonly isPaused: () => boolean,
    private readonly loop: LoopTime,
  ) {
    this.seenBytes = transport.bytesRead;
    this.aliveAt = loop.now();
  }

  /** How long nothing has arrived (ms of `LoopTime`), as far as this was asked. While nothing is read, it is not silent. */
  silentMs(): number {
    const { bytesRead } = this.transport;
    if (bytesRead !== this.seenBytes || this.isPaused()) {
      this.seenBytes = bytesRead;
      this.aliveAt = this.loop.now();
    }
    return this.loop.now() - this.aliveAt;
  }

  /**
   * Waits for a sign of life after `ask`, which is called once what is on its way already was read: that proves nothing.
   * Calls back after `ms`, or as long later as the dashboard itself does not read; returns the way to cancel.
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
