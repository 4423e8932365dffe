/**
 * A child process for the tests of locking and crashes. `hold PATH`: opens and waits. `commit PATH`: opens and commits
 * forever, printing the number of each commit once it returned. Prints `failed KIND SENTENCE` when it can't open.
 */
import { createLog } from '@/lib/log';
import { createFleetStore } from '../fleet-store';
import { openDatabase } from '../open-database';
import { endedCommand, testEvent, testHost, testOutput } from './sample-records';

const [mode, path = ''] = process.argv.slice(2);
const log = createLog('error', { write: () => undefined });
const print = (line: string) => process.stdout.write(`${line}\n`);

try {
  const store = createFleetStore(openDatabase(path, { log }), { log });
  print('open');
  if (mode === 'commit') commitForever(store);
  // The garbage collector closes a database that nothing refers to, and releases its lock.
  else setInterval(() => store.events({ limit: 1 }), 60_000);
} catch (error) {
  const kind = error instanceof Error && 'kind' in error ? String(error.kind) : 'unknown';
  print(`failed ${kind} ${error instanceof Error ? error.message : String(error)}`);
}

function commitForever(fleetStore: ReturnType<typeof createFleetStore>): void {
  fleetStore.commit({ hosts: [testHost('host')] });
  let number = 0;
  const next = () => {
    number += 1;
    const id = `command-${number}`;
    fleetStore.commit({
      commands: [endedCommand(id, 'host', number, { createdAt: number })],
      output: [testOutput(id, 1, 20)],
      events: [testEvent(`commit ${number}`, { commandId: id })],
    });
    print(`committed ${number}`);
    setImmediate(next);
  };
  next();
}
