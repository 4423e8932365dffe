/** A bundle of `testing-thread.ts`: a thread loads it much faster than the source. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { makeTestFolder } from '../../sqlite/testing/database';
import type { FromThread, ThreadRole, ToThread } from '../thread-messages';
import type { TestingPort } from './testing-thread';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
/** No call of another port has this id, so nothing else waits for its answer. */
const TESTING_CALL_ID = -1;

export interface BundledThread {
  start: (file: string, role: ThreadRole) => Worker;
  remove: () => void;
}

export async function bundleThread(): Promise<BundledThread> {
  const { folder, remove } = makeTestFolder();
  const outfile = join(folder, 'testing-thread.mjs');
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['lib/store/thread/testing/testing-thread.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // Native code can't be bundled.
    external: ['better-sqlite3', 'better-sqlite3-node20'],
    logLevel: 'warning',
  });
  // Where the bundle finds them.
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return {
    start: (file, role) => new Worker(outfile, { workerData: { file, role }, stdout: true, stderr: true }),
    remove,
  };
}

/** Calls the port `testing` of a thread of this bundle, after what the thread was sent before. One call at a time. */
export async function callTesting<Method extends keyof TestingPort>(
  worker: Worker,
  method: Method,
  ...args: Parameters<TestingPort[Method]>
): Promise<void> {
  const answered = new Promise<void>((resolve, reject) => {
    const receive = (message: FromThread): void => {
      if (!('id' in message) || message.id !== TESTING_CALL_ID) return;
      worker.off('message', receive);
      if (message.kind === 'answer') resolve();
      else reject(new Error(`testing.${method} failed: ${message.error.message}`));
    };
    worker.on('message', receive);
  });
  const call: ToThread = { kind: 'call', id: TESTING_CALL_ID, port: 'testing', method, args };
  worker.postMessage(call);
  await answered;
}
