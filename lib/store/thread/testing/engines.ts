/** Stores in threads for tests, on a real database in a temporary folder. */
import { Worker } from 'node:worker_threads';
import { openTestDatabase, type TestDatabase } from '../../sqlite/testing/database';
import { openInThread, type ThreadOptions } from '../open-in-thread';
import { startWorker } from '../start-worker';
import type { StoreEngine } from '../store-engine';
import type { ThreadRole } from '../thread-messages';

export interface TestEngine {
  engine: StoreEngine;
  test: TestDatabase;
  /** The threads, by what they do. */
  workers: Record<ThreadRole, Worker>;
  /** Deaths of threads that nobody stopped. */
  deaths: Error[];
  /** Resolves at the first of them. */
  death: Promise<void>;
  close(): Promise<void>;
}

export async function openTestEngine(
  options: Partial<ThreadOptions> & { where?: string; test?: TestDatabase } = {},
): Promise<TestEngine> {
  const { where, test = openTestDatabase(where), startWorker: start = startWorker, ...rest } = options;
  const started = new Map<ThreadRole, Worker>();
  const deaths: Error[] = [];
  let onFirst: () => void = () => undefined;
  const death = new Promise<void>((resolve) => {
    onFirst = resolve;
  });
  const engine = await openInThread(test.db, {
    log: test.log,
    onDeath(error) {
      deaths.push(error);
      onFirst();
    },
    startWorker(file, role) {
      const worker = start(file, role);
      started.set(role, worker);
      return worker;
    },
    ...rest,
  });
  return {
    engine,
    test,
    workers: { writer: started.get('writer')!, reader: started.get('reader')! },
    deaths,
    death,
    async close() {
      await engine.stop().catch(() => undefined);
      test.close();
    },
  };
}

/** A thread that says that the file is open and then answers nothing, as with a disk that hangs. */
export function startSilentWorker(): Worker {
  const methods = { fleet: ['commit', 'events', 'output', 'commandsOf', 'pipelines'] };
  const program = `
    const { parentPort } = require('node:worker_threads');
    parentPort.on('message', () => undefined);
    parentPort.postMessage({ kind: 'ready', methods: ${JSON.stringify(methods)} });`;
  return new Worker(program, { eval: true, stdout: true, stderr: true });
}
