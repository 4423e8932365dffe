/** The setting in which an adopted database records its adoption. */
import type Sqlite from 'better-sqlite3';
import { z } from 'zod';

export const ADOPTION_SETTING = 'adoption';

export const adoptionSchema = z.object({
  at: z.number(),
  /** File name of the untouched copy. */
  backup: z.string(),
  /** SHA-256 of the old files, by suffix. */
  hashes: z.record(z.string(), z.string()),
});
export type Adoption = z.infer<typeof adoptionSchema>;

export function writeAdoption(client: Sqlite.Database, adoption: Adoption): void {
  client
    .prepare('insert into settings (key, value, updated_at) values (?, ?, ?)')
    .run(ADOPTION_SETTING, JSON.stringify(adoption), adoption.at);
}

/** Null for a database that was not adopted. Throws when the record can't be read. */
export function readAdoption(client: Sqlite.Database): Adoption | null {
  const text = client
    .prepare<[string], string>('select value from settings where key = ?')
    .pluck()
    .get(ADOPTION_SETTING);
  return text === undefined ? null : adoptionSchema.parse(JSON.parse(text));
}

/** When the database was adopted, epoch milliseconds; null for one that was not, or when the record can't be read. */
export function readAdoptionTime(client: Sqlite.Database): number | null {
  try {
    return readAdoption(client)?.at ?? null;
  } catch {
    return null;
  }
}
