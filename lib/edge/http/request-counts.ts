/** Counts of requests since the start, for metrics. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { REFUSAL_REASONS, type RefusalReason } from '@/lib/protocol/http/request-refusals';

export class RequestCounts {
  /** Bytes of bodies read, including discarded ones. */
  bodyBytes = 0;
  /** Requests passed to Next: without a body, and with one that was read and checked. */
  readonly passed = { without_body: 0, with_body: 0 };
  private readonly refusals = new Map<RefusalReason, number>(REFUSAL_REASONS.map((reason) => [reason, 0]));
  private readonly sockets = new Set<Socket>();
  private closedSocketBytes = 0;

  refused(reason: RefusalReason): void {
    this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1);
  }

  /** Every reason, including those that never occurred. */
  refusedByReason(): ReadonlyMap<RefusalReason, number> {
    return this.refusals;
  }

  readonly addBodyBytes = (count: number): void => {
    this.bodyBytes += count;
  };

  /** Counts bytes received on all connections of a server from now on. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.once('close', () => {
        this.sockets.delete(socket);
        this.closedSocketBytes += socket.bytesRead;
      });
    });
  }

  /** Bytes read from all connections, including the sockets of agents and browsers. */
  get socketBytes(): number {
    let bytes = this.closedSocketBytes;
    for (const socket of this.sockets) bytes += socket.bytesRead;
    return bytes;
  }
}
