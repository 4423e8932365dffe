/** Small facts about the installation: one JSON value per name, parsed on read. */
import { eq } from 'drizzle-orm';
import type { z } from 'zod';
import type { Db } from './open-database';
import { settings } from './schema';

export interface SettingsStore {
  /** The stored value; null when there is none or it no longer fits the schema. */
  get<T>(key: string, schema: z.ZodType<T>): T | null;
  /** Durable when it returns. */
  set(key: string, value: unknown, now: number): void;
  remove(key: string): void;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Creates the store on an open database. */
export function createSettingsStore(db: Db): SettingsStore {
  return {
    get(key, schema) {
      const row = db.select({ value: settings.value }).from(settings).where(eq(settings.key, key)).get();
      const parsed = row && schema.safeParse(parseJson(row.value));
      return parsed?.success ? parsed.data : null;
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
}
