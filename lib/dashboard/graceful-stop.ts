/** Stops the process in order: sockets first, then pending writes, whatever a peer does. */
import type { Server } from 'node:http';
import type { Log } from '@/lib/log';

/** Time for sockets and running requests to end. */
export const GRACE_MS = 3_000;
/** Time after which the process exits in any case. */
const STOP_MS = 10_000;

export interface GracefulStop {
  server: Server;
  /** Services to stop; each stops within the given time (ms). */
  services: readonly { stop(graceMs: number): Promise<void> }[];
  /** Stores and closes; runs when all services have stopped. */
  finish: () => Promise<void>;
}

/** Stops everything in order. Does not wait for a peer that holds its connection open. */
export async function stopInOrder(
  { server, services, finish }: GracefulStop,
  graceMs: number = GRACE_MS,
): Promise<void> {
  const answered = new Promise<void>((resolve) => server.close(() => resolve()));
  const timeLimit = new Promise<void>((resolve) => setTimeout(resolve, graceMs).unref());
  await Promise.all([...services.map((service) => service.stop(graceMs)), Promise.race([answered, timeLimit])]);
  server.closeAllConnections();
  await finish();
}

/** Stops once, at the first SIGTERM or SIGINT, and then exits: with 0 on success. */
export function stopOnSignals(log: Log, stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      log.info({ signal }, 'stopping');
      setTimeout(() => process.exit(1), STOP_MS).unref();
      stop().then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'the dashboard did not stop cleanly');
          process.exit(1);
        },
      );
    });
  }
}
