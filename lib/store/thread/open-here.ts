/** The stores in this thread: for programs that nobody waits for, and tests. */
import type { Log } from '@/lib/log';
import { answerLater } from '../sqlite/later';
import { closeDatabase, type Db } from '../sqlite/open-database';
import { createStores } from './create-stores';
import type { StoreEngine, StorePorts } from './store-engine';

/** The stores on an open database; each call runs at once. `stop` closes the database. */
export function openHere(db: Db, { log }: { log: Log }): StoreEngine {
  const stores = createStores(db, log);
  let stopped: Promise<void> | null = null;
  return {
    fleet: answerLater<StorePorts['fleet']>(stores.fleet),
    auth: answerLater<StorePorts['auth']>(stores.auth),
    agentTokens: answerLater<StorePorts['agentTokens']>(stores.agentTokens),
    settings: answerLater<StorePorts['settings']>(stores.settings),
    maintenance: answerLater<StorePorts['maintenance']>(stores.maintenance),
    vitals: () => ({ outstanding: 0, oldestMs: 0 }),
    stop: () => (stopped ??= Promise.resolve().then(() => closeDatabase(db))),
  };
}
