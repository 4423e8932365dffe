/** Migrations folders for tests: that of the next version, with one more migration. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { findMigrationsFolder } from '../migrate';

/** A time for the added migration that is later than that of every real one, epoch milliseconds. */
export const FAR_FUTURE = 4_000_000_000_000;

const journalSchema = z.looseObject({ entries: z.array(z.object({}).loose()) });

/** Copies migrations, by default the real ones, into a new folder below `folder` and adds one. Returns the new folder. */
export function addMigration(folder: string, sql: string, when = FAR_FUTURE, from = findMigrationsFolder()): string {
  const copy = join(folder, `drizzle-${when}`);
  cpSync(from, copy, { recursive: true });
  const journalPath = join(copy, 'meta', '_journal.json');
  const journal = journalSchema.parse(JSON.parse(readFileSync(journalPath, 'utf8')));
  const tag = `${String(journal.entries.length).padStart(4, '0')}_added`;
  journal.entries.push({ idx: journal.entries.length, version: '6', when, tag, breakpoints: true });
  writeFileSync(journalPath, JSON.stringify(journal));
  writeFileSync(join(copy, `${tag}.sql`), sql);
  return copy;
}
