/**
 * The stores in separate threads, so that the event loop waits for no disk: a writer, which answers all calls in
 * order, and a reader for what may read much, which starts with its first call (docs/decisions/0051-store-in-threads.md).
 */
import type { Worker } from 'node:worker_threads';
import type { Log } from '@/lib/log';
import { asDatabaseError, DatabaseError } from '../sqlite/store-errors';
import type { Db } from '../sqlite/open-database';
import { startWorker } from './start-worker';
import { storeClient, type SendCall } from './store-client';
import { METHODS_OF_READER, type PortName, type StoreEngine } from './store-engine';
import { ThreadLink } from './thread-link';
import type { ThreadRole } from './thread-messages';

/** Time for the threads to answer what was called, and to close the file. */
export const STOP_WITHIN_MS = 10_000;
const EXIT_FAILED = 1;

export interface ThreadOptions {
  log: Log;
  /** A thread ended by itself. Default: the process ends, because a dashboard without its store must not look alive. */
  onDeath?: (error: Error) => void;
  stopWithinMs?: number;
  maxOutstanding?: number;
  startWorker?: (file: string, role: ThreadRole) => Worker;
}

/**
 * Moves an open database to threads: closes its connection here, but keeps its lock until the threads have closed the
 * file. Rejects with a DatabaseError when a thread can't open it; then the lock is released.
 */
export async function openInThread(db: Db, options: ThreadOptions): Promise<StoreEngine> {
  const { log, onDeath = endProcess(log), stopWithinMs = STOP_WITHIN_MS, startWorker: start = startWorker } = options;
  const file = db.$client.name;
  // Afterwards only the threads use the file; `db` can't be used any more.
  db.$client.close();
  const open = (role: ThreadRole) =>
    new ThreadLink(start(file, role), { role, log, onDeath, maxOutstanding: options.maxOutstanding });
  const writer = open('writer');
  const threads: Threads = { writer, reader: null };
  /** One that could not open the file has ended, and the next call tries again. */
  const reader = (): ThreadLink => {
    if (threads.reader === null || threads.reader.hasEnded) threads.reader = open('reader');
    return threads.reader;
  };
  try {
    const methods = await writer.ready;
    const portOf = <Name extends PortName>(name: Name) =>
      storeClient(name, methods[name] ?? [], sendTo(writer, reader, METHODS_OF_READER[name] ?? []));
    let stopped: Promise<void> | null = null;
    return {
      fleet: portOf('fleet'),
      auth: portOf('auth'),
      agentTokens: portOf('agentTokens'),
      settings: portOf('settings'),
      maintenance: portOf('maintenance'),
      vitals() {
        const both = [writer.vitals, ...(threads.reader === null ? [] : [threads.reader.vitals])];
        return {
          outstanding: both.reduce((sum, { outstanding }) => sum + outstanding, 0),
          oldestMs: Math.max(...both.map(({ oldestMs }) => oldestMs)),
        };
      },
      stop: () => (stopped ??= stopThreads(threads, db, stopWithinMs)),
    };
  } catch (error) {
    await Promise.allSettled([writer.stop()]);
    db.$lock.release();
    throw asDatabaseError(error, file);
  }
}

interface Threads {
  writer: ThreadLink;
  /** Null until its first call. */
  reader: ThreadLink | null;
}

/** Once the writer is being stopped, it refuses all calls. */
function sendTo(writer: ThreadLink, reader: () => ThreadLink, ofReader: readonly PropertyKey[]): SendCall {
  return (port, method, args) => {
    const thread = ofReader.includes(method) && !writer.isStopping ? reader() : writer;
    return thread.call(port, method, args);
  };
}

async function stopThreads({ writer, reader }: Threads, db: Db, withinMs: number): Promise<void> {
  writer.refuseCalls();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), withinMs);
  });
  try {
    const closed = await Promise.race([closeInOrder({ writer, reader }), late]);
    if (closed !== 'late') return;
    const outstanding = writer.vitals.outstanding + (reader?.vitals.outstanding ?? 0);
    throw new DatabaseError(
      'io',
      `The database ${db.$client.name} did not close within ${withinMs / 1_000} s: its disk does not answer. ` +
        `${outstanding.toLocaleString('en')} calls were not answered.`,
    );
  } finally {
    clearTimeout(timer);
    // A thread that has not ended may still write: then the lock is held until the process ends.
    if (writer.hasEnded) db.$lock.release();
    for (const thread of [reader, writer]) if (thread !== null && !thread.hasEnded) thread.abandon();
  }
}

/** The reader first: the writer can only empty the write-ahead log when nobody reads. */
async function closeInOrder({ writer, reader }: Threads): Promise<void> {
  await Promise.allSettled([reader?.stop()]);
  await writer.stop();
}

function endProcess(log: Log): (error: Error) => void {
  return (error) => {
    log.fatal({ err: error }, 'a database thread ended; the dashboard exits, because it can store nothing');
    process.exit(EXIT_FAILED);
  };
}
