/** Examines a database without changing it: its integrity, its contents and its chain of events. */
import type Sqlite from 'better-sqlite3';
import { auditEvents, type AuditReport, type Witness } from './audit';
import { readApplied } from './migrate';
import { schemaProblems } from './schema-problems';
import type { MigrationMeta } from 'drizzle-orm/migrator';

const MAX_PROBLEMS = 5;

export interface Examination {
  /** Time of the newest migration, epoch milliseconds. */
  schema: number;
  /** Rows of each table. */
  rows: Record<string, number>;
  audit: AuditReport;
  /** What is wrong with the file, one sentence each; empty when it is sound. */
  problems: readonly string[];
  /** What differs from the schema that NixFleet makes, one sentence each: such a file is not restored. */
  foreign: readonly string[];
}

export interface ExamineOptions {
  /** The migrations of this version. */
  known: readonly MigrationMeta[];
  /** Tables that a backup adds. */
  alsoAllowed: readonly string[];
  witnesses?: readonly Witness[];
}

/** Reads the whole database of NixFleet. Takes seconds for a large one: not for the process that serves. */
export function examineDatabase(client: Sqlite.Database, options: ExamineOptions): Examination {
  const { known, alsoAllowed, witnesses = [] } = options;
  const problems = [...integrityProblems(client), ...referenceProblems(client)];
  const foreign = schemaProblems(client, known, alsoAllowed);
  const rows: Record<string, number> = {};
  for (const name of tableNames(client)) {
    rows[name] = client.prepare<[], number>(`select count(*) from "${name}"`).pluck().get() ?? 0;
  }
  return {
    schema: readApplied(client).at(-1)?.createdAt ?? 0,
    rows,
    audit: auditEvents(client, witnesses),
    problems,
    foreign,
  };
}

/** NixFleet's tables, without those of SQLite and drizzle. */
export function tableNames(client: Sqlite.Database): string[] {
  return client
    .prepare<[], string>(
      `select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'
       and name <> '__drizzle_migrations' order by name`,
    )
    .pluck()
    .all();
}

function integrityProblems(client: Sqlite.Database): string[] {
  const found = client.prepare<[], string>(`pragma integrity_check(${MAX_PROBLEMS})`).pluck().all();
  return found.filter((line) => line !== 'ok').map((line) => `The file is damaged: ${line}.`);
}

function referenceProblems(client: Sqlite.Database): string[] {
  return client
    .prepare<[], { table: string; rowid: number | null; parent: string }>(
      `select "table", rowid, parent from pragma_foreign_key_check limit ${MAX_PROBLEMS}`,
    )
    .all()
    .map(({ table, rowid, parent }) => `Row ${rowid ?? '?'} of ${table} refers to a missing row of ${parent}.`);
}
