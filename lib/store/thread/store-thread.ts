/** The program of the store's threads. */
import { parentPort, workerData } from 'node:worker_threads';
import { serveStores } from './serve-stores';

if (parentPort === null) throw new Error('This program runs only as a thread of the dashboard.');
serveStores(parentPort, workerData);
