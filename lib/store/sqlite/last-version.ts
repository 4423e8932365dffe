/** The setting in which a database records the version of NixFleet that last used it. */
import type Sqlite from 'better-sqlite3';
import { z } from 'zod';

const KEY = 'version';
/** This version and none after it left no record. */
const FIRST_VERSION = '4.0.0';
const versionSchema = z.string().min(1).max(64);

/** The version that last used the database. Works with every schema since 4.0.0. */
export function readLastVersion(client: Sqlite.Database): string {
  const text = client.prepare<[string], string>('select value from settings where key = ?').pluck().get(KEY);
  if (text === undefined) return FIRST_VERSION;
  try {
    const parsed = versionSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : FIRST_VERSION;
  } catch {
    return FIRST_VERSION;
  }
}

/** Records that `version` uses the database; writes only when another version used it before. */
export function recordVersion(client: Sqlite.Database, version: string, now: number): void {
  client
    .prepare(
      `insert into settings (key, value, updated_at) values (?, ?, ?)
       on conflict (key) do update set value = excluded.value, updated_at = excluded.updated_at
       where value <> excluded.value`,
    )
    .run(KEY, JSON.stringify(version), now);
}
