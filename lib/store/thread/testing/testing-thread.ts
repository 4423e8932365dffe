/** The program of the store's threads with a further port, for tests. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Db } from '../../sqlite/open-database';
import { createStores, type DirectStores } from '../create-stores';
import { serveStores } from '../serve-stores';

export interface TestingPort {
  /** Makes the connection refuse every write from now on, or no longer. */
  refuse: (isRefusing: boolean) => void;
  /** Deletes every row, so that the next test finds a new database. */
  empty: () => void;
}

interface TestingStores extends DirectStores {
  testing: TestingPort;
}

if (parentPort === null) throw new Error('This program runs only as a thread.');
serveStores(parentPort, workerData, (db, log): TestingStores => {
  const stores = createStores(db, log);
  return {
    ...stores,
    testing: {
      refuse: (isRefusing) => void db.$client.pragma(`query_only = ${isRefusing ? 'on' : 'off'}`),
      empty() {
        deleteRows(db);
        // Ends a pass that a test left unfinished.
        while (stores.maintenance.retentionStep().kind === 'deleted');
      },
    },
  };
});

function deleteRows({ $client: client }: Db): void {
  // Not the list of migrations. `sqlite_sequence` has the ids that were given out.
  const tables = client
    .prepare<[], string>(
      `select name from sqlite_schema where type = 'table' and name not like '\\_\\_drizzle%' escape '\\'
       and (name not like 'sqlite\\_%' escape '\\' or name = 'sqlite_sequence')`,
    )
    .pluck()
    .all();
  client.transaction(() => {
    client.pragma('defer_foreign_keys = on');
    for (const table of tables) client.exec(`delete from "${table}"`);
  })();
}
