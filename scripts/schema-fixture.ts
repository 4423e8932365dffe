/**
 * Writes the filled database of one version of NixFleet, which every later version must open:
 * `npx tsx scripts/schema-fixture.ts [migration]`. Without a name: the newest migration. See docs/adoption.md.
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { findMigrationsFolder } from '@/lib/store/sqlite/migrate';
import { closeDatabase, openDatabase } from '@/lib/store/sqlite/open-database';
import { fillTables } from '@/lib/store/sqlite/testing/fill';
import { createLog } from '@/lib/log';

const FIXTURES = 'lib/store/sqlite/fixtures';
const journalSchema = z.looseObject({ entries: z.array(z.looseObject({ tag: z.string() })) });

const folder = mkdtempSync(join(tmpdir(), 'nixfleet-fixture-'));
try {
  process.exitCode = write(process.argv[2] ?? null);
} finally {
  rmSync(folder, { recursive: true });
}

function write(wanted: string | null): number {
  const migrationsFolder = join(folder, 'drizzle');
  cpSync(findMigrationsFolder(), migrationsFolder, { recursive: true });
  const journalPath = join(migrationsFolder, 'meta', '_journal.json');
  const journal = journalSchema.parse(JSON.parse(readFileSync(journalPath, 'utf8')));
  const tags = journal.entries.map(({ tag }) => tag);
  const tag = wanted ?? tags.at(-1) ?? '';
  const target = join(FIXTURES, `${tag}.db`);
  if (!tags.includes(tag)) return problem(`There is no migration ${tag}. The migrations are: ${tags.join(', ')}.`);
  if (existsSync(target))
    return problem(`${target} already exists: the fixture of a released version must not change.`);

  const entries = journal.entries.slice(0, tags.indexOf(tag) + 1);
  writeFileSync(journalPath, JSON.stringify({ ...journal, entries }));
  const path = join(folder, 'filled.db');
  const db = openDatabase(path, { log: createLog('warn'), migrationsFolder });
  fillTables(db.$client);
  db.$client.pragma('journal_mode = DELETE');
  db.$client.exec('vacuum');
  closeDatabase(db);
  cpSync(path, target);
  console.log(`Written: ${target}`);
  return 0;
}

function problem(sentence: string): number {
  console.error(sentence);
  return 2;
}
