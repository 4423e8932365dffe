/** How the process ends when it is told to: sockets first, what waits to be stored afterwards, whatever a peer does. */
import type { Server } from 'node:http';
import type { Log } from '@/lib/log';

/** Sockets and running requests have this long to end by themselves. */
export const GOODBYE_MS = 3_000;
/** The whole stop ends within this, one way or another. */
const STOP_MS = 10_000;

export interface GracefulStop {
  server: Server;
  /** What still talks or works: each ends within the time it is given (ms). */
  talkers: readonly { stop(graceMs: number): Promise<void> }[];
  /** Stores and closes; runs when nobody talks any more. */
  finish: () => Promise<void>;
}

/** Ends everything in order. A peer that holds its connection open is not waited for. */
export async function stopInOrder(
  { server, talkers, finish }: GracefulStop,
  graceMs: number = GOODBYE_MS,
): Promise<void> {
  const answered = new Promise<void>((resolve) => server.close(() => resolve()));
  const patience = new Promise<void>((resolve) => setTimeout(resolve, graceMs).unref());
  await Promise.all([...talkers.map((talker) => talker.stop(graceMs)), Promise.race([answered, patience])]);
  server.closeAllConnections();
  await finish();
}

/** Stops once, at the first SIGTERM or SIGINT, and then ends the process: with 0 when all went well. */
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
          log.error({ err: error }, 'the dashboard could not stop in good order');
          process.exit(1);
        },
      );
    });
  }
}
