/**
 * What a backup holds besides the database's tables: when it was made, and the secrets that the database needs (its
 * second factor is encrypted with one). They are in an extra table of the copy, so that a backup is one file that SQLite
 * opens. A restore moves them back to their folder and drops the table.
 */
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type Sqlite from 'better-sqlite3';
import { plainText } from '@/lib/text/plain-text';
import { PRIVATE_FOLDER, writeWhole } from './backup-files';
import { BackupProblem } from './backup-problem';

const TABLE = 'backup_contents';
/** What a backup adds to NixFleet's tables. */
export const BACKUP_TABLES: readonly string[] = [TABLE];
const ABOUT = 'about';
const SECRET_PREFIX = 'secrets/';
/** A secret is one line of text; a larger file is something else. */
const MAX_SECRET_BYTES = 65_536;
/** No path separators, and no dots: drafts (`name.abcdef…`) and replaced secrets are not backed up. */
const SECRET_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;

const aboutSchema = z.object({ createdAt: z.number(), version: z.string() });
export type AboutBackup = z.infer<typeof aboutSchema>;

/** Reads the secrets of an installation; empty without the folder. */
export function readSecrets(folder: string): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  if (!existsSync(folder)) return found;
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    const stat = statSync(path);
    if (SECRET_NAME.test(name) && stat.isFile() && stat.size <= MAX_SECRET_BYTES) found.set(name, readFileSync(path));
  }
  return found;
}

/** Writes time, version and secrets into a copy, in one transaction. */
export function putContents(client: Sqlite.Database, about: AboutBackup, secrets: ReadonlyMap<string, Buffer>): void {
  client.transaction(() => {
    client.exec(`drop table if exists ${TABLE}; create table ${TABLE} (name text primary key, content blob not null)`);
    const insert = client.prepare<[string, Buffer]>(`insert into ${TABLE} values (?, ?)`);
    insert.run(ABOUT, Buffer.from(JSON.stringify(about)));
    for (const [name, content] of secrets) insert.run(`${SECRET_PREFIX}${name}`, content);
  })();
}

function hasContents(client: Sqlite.Database): boolean {
  return (
    client.prepare<[string]>("select 1 from sqlite_master where type = 'table' and name = ?").get(TABLE) !== undefined
  );
}

/** When and by which version the backup was made; null when the database is not a backup. */
export function readAbout(client: Sqlite.Database): AboutBackup | null {
  if (!hasContents(client)) return null;
  const parsed = aboutSchema.safeParse(aboutContent(client));
  if (!parsed.success) throw new BackupProblem('The backup is damaged: it does not say when it was made.');
  return parsed.data;
}

/** What the entry holds, whatever that is: null where it is missing or not JSON, or where the table is another one. */
function aboutContent(client: Sqlite.Database): unknown {
  try {
    const content = client.prepare<[string]>(`select content from ${TABLE} where name = ?`).pluck().get(ABOUT);
    return Buffer.isBuffer(content) ? JSON.parse(content.toString('utf8')) : null;
  } catch {
    return null;
  }
}

/** Throws when a backup holds a file that NixFleet does not put into one. Call it before anything is replaced. */
export function requireKnownContents(client: Sqlite.Database): void {
  if (!hasContents(client)) return;
  const names = client.prepare<[string]>(`select name from ${TABLE} where name <> ?`).pluck().all(ABOUT);
  for (const name of names) secretName(name);
  const tooLarge = client
    .prepare<[number], number>(`select count(*) from ${TABLE} where typeof(content) <> 'blob' or length(content) > ?`)
    .pluck()
    .get(MAX_SECRET_BYTES);
  if (tooLarge !== 0) throw new BackupProblem('The backup holds a secret that NixFleet did not make: it is too large.');
}

/** The name of a secret, from the name under which a backup holds it. */
function secretName(stored: unknown): string {
  const name = typeof stored === 'string' && stored.startsWith(SECRET_PREFIX) ? stored.slice(SECRET_PREFIX.length) : '';
  if (!SECRET_NAME.test(name)) {
    const shown = plainText(String(stored), 100);
    throw new BackupProblem(`The backup holds an unknown file "${shown}": NixFleet did not make it.`);
  }
  return name;
}

/**
 * The last step of a restore: writes the secrets of a restored database into their folder and drops the table. A
 * different secret that it replaces is kept under another name. Safe to repeat after a crash; does nothing to a database
 * that is not a backup. Returns the names of the restored secrets.
 */
export function finishRestore(client: Sqlite.Database, secretsFolder: string, now: number): string[] {
  if (!hasContents(client)) return [];
  const rows = client
    .prepare<[string], { name: string; content: Buffer }>(`select name, content from ${TABLE} where name <> ?`)
    .all(ABOUT);
  mkdirSync(secretsFolder, { recursive: true, mode: PRIVATE_FOLDER });
  const restored: string[] = [];
  for (const { name: stored, content } of rows) {
    const name = secretName(stored);
    if (restoreSecret(join(secretsFolder, name), content, now)) restored.push(name);
  }
  client.exec(`drop table ${TABLE}`);
  return restored;
}

function restoreSecret(path: string, content: Buffer, now: number): boolean {
  if (existsSync(path)) {
    if (readFileSync(path).equals(content)) return false;
    const replaced = replacedPath(path, now);
    rmSync(replaced, { force: true });
    linkSync(path, replaced);
  }
  writeWhole(path, content);
  return true;
}

/** The path under which a restore keeps a file that it replaces. */
export function replacedPath(path: string, now: number): string {
  return `${path}.before-restore-${new Date(now).toISOString().replace(/[:.]/g, '-')}`;
}
