/** A child process whose database thread dies. `death-child.ts PATH` prints the log and `alive` while it still runs. */
import type { Worker } from 'node:worker_threads';
import { createLog } from '@/lib/log';
import { openDatabase } from '../../sqlite/open-database';
import { openInThread } from '../open-in-thread';
import { startWorker } from '../start-worker';

const [path = ''] = process.argv.slice(2);
const log = createLog('info');
const workers: Worker[] = [];
const engine = await openInThread(openDatabase(path, { log }), {
  log,
  startWorker(file, role) {
    const worker = startWorker(file, role);
    workers.push(worker);
    return worker;
  },
});
await engine.fleet.events({ limit: 1 });
process.stdout.write('alive\n');
// Only the death of the thread ends it.
setInterval(() => undefined, 60_000);
await workers[0]?.terminate();
