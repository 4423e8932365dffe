/** Starts the program of the store's threads. */
import { Worker } from 'node:worker_threads';
import type { ThreadRole } from './thread-messages';

/**
 * A thread with the file open. The program is `store-thread.mjs` beside the bundle that this code is part of, or the source
 * when this code runs from the source (`npm run dev`, tests).
 */
export function startWorker(file: string, role: ThreadRole): Worker {
  const isSource = import.meta.url.endsWith('.ts');
  const program = new URL(isSource ? './from-source.mjs' : './store-thread.mjs', import.meta.url);
  return new Worker(program, {
    name: `store-${role}`,
    workerData: { file, role },
    // What a library prints must not get between the lines of the log.
    stdout: true,
    stderr: true,
    // The options of the main thread may already load TypeScript in another way.
    ...(isSource ? { execArgv: [] } : {}),
  });
}
