/** One round of `npm run bench:store` in a separate process: `store-child.ts WAY FILE` prints its figures as JSON. */
import { pino } from 'pino';
import { openDatabase } from '@/lib/store/sqlite/open-database';
import { openHere } from '@/lib/store/thread/open-here';
import { openInThread } from '@/lib/store/thread/open-in-thread';
import { measureAnswers, measureHistory, measureOutput } from './store-loads';

const [way, file = ''] = process.argv.slice(2);
const log = pino({ level: 'warn' }, pino.destination(2));
const nothing = {
  fleet: { commit: () => Promise.resolve([]), output: () => Promise.resolve([]) },
  stop: () => Promise.resolve(),
};

async function open() {
  if (way === 'none') return nothing;
  const db = openDatabase(file, { log });
  return way === 'thread' ? openInThread(db, { log }) : openHere(db, { log });
}

const engine = await open();
// A dashboard that has run for a while has compiled its code.
await measureAnswers(engine.fleet, 'warm-up');
const figures = {
  answers: await measureAnswers(engine.fleet, 'measured'),
  output: await measureOutput(engine.fleet),
  history: await measureHistory(engine.fleet),
};
await engine.stop();
console.log(JSON.stringify(figures));
