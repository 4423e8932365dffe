/** Small facts about the installation, one JSON value per name: implements a port of `lib/auth/agents/agent-ports.ts`. */
import { eq } from 'drizzle-orm';
import type { SettingsStore } from '@/lib/auth/agents/agent-ports';
import { withDatabaseErrors } from './database-errors';
import type { Direct } from './later';
import type { Connection } from './open-database';
import { settings } from './schema';

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Creates the store on an open database. */
export function createSettingsStore(db: Connection): Direct<SettingsStore> {
  const store: Direct<SettingsStore> = {
    get(key) {
      const row = db.select({ value: settings.value }).from(settings).where(eq(settings.key, key)).get();
      return row === undefined ? null : parseJson(row.value);
    },
    set(key, value, now) {
      const row = { value: JSON.stringify(value), updatedAt: now };
      db.insert(settings)
        .values({ key, ...row })
        .onConflictDoUpdate({ target: settings.key, set: row })
        .run();
    },
    remove(key) {
      db.delete(settings).where(eq(settings.key, key)).run();
    },
  };
  return withDatabaseErrors(store, db.$client.name);
}
