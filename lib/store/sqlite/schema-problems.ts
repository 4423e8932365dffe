/**
 * Compares what a database consists of with what its migrations make: tables, indexes, triggers and views. A trigger that
 * somebody added to a backup would run with every write of the dashboard that restores it.
 */
import type { MigrationMeta } from 'drizzle-orm/migrator';
import type Sqlite from 'better-sqlite3';
import { Database } from './driver';
import { readApplied } from './migrate';

/**
 * Tables that SQLite and drizzle add. An entry of that name counts as one only where its statement creates a table: SQLite
 * runs the statement, whatever type and name its entry gives.
 */
const ADDED_TABLE = /^(?:sqlite_sequence|sqlite_stat[1-4]|__drizzle_migrations)$/;

const MAX_NAMED = 5;
const MAX_NAME_LENGTH = 80;

interface SchemaObject {
  type: string;
  name: string;
  sql: string;
}

/** One sentence for each difference; at most five. `alsoAllowed`: tables that a backup adds. */
export function schemaProblems(
  client: Sqlite.Database,
  known: readonly MigrationMeta[],
  alsoAllowed: readonly string[],
): string[] {
  const applied = new Set(readApplied(client).map(({ createdAt }) => createdAt));
  const expected = objectsOf(known.filter(({ folderMillis }) => applied.has(folderMillis)));
  const problems: string[] = [];
  for (const { type, name, sql } of schemaObjects(client)) {
    const key = `${type} ${name}`;
    const wanted = expected.get(key);
    expected.delete(key);
    const isAdded = ADDED_TABLE.test(name) || alsoAllowed.includes(name);
    if (wanted === sql || (isAdded && isTable({ type, name, sql }))) continue;
    const shown = `${type} "${name.replace(/[^\w$-]/g, '?').slice(0, MAX_NAME_LENGTH)}"`;
    problems.push(wanted === undefined ? `NixFleet has no ${shown}.` : `The ${shown} is not as NixFleet makes it.`);
  }
  for (const missing of expected.keys()) problems.push(`The ${missing} is missing.`);
  return problems.slice(0, MAX_NAMED);
}

/** What these migrations make, by type and name. */
function objectsOf(migrations: readonly MigrationMeta[]): Map<string, string> {
  const client = new Database(':memory:');
  try {
    for (const { sql } of migrations) for (const statement of sql) client.exec(statement);
    return new Map(schemaObjects(client).map(({ type, name, sql }) => [`${type} ${name}`, sql]));
  } finally {
    client.close();
  }
}

const isTable = ({ type, name, sql }: SchemaObject): boolean =>
  type === 'table' && (sql.startsWith(`createtable${name}(`) || sql.startsWith(`createtableifnotexists${name}(`));

/**
 * Every entry but the indexes that SQLite makes for a table's own constraints, which have no statement. Quotes and spaces
 * are left out: SQLite's versions write them differently.
 */
function schemaObjects(client: Sqlite.Database): SchemaObject[] {
  return client
    .prepare<[], SchemaObject>(
      "select type, name, coalesce(sql, '') as sql from sqlite_master where type <> 'index' or sql is not null order by type, name",
    )
    .all()
    .map((object) => ({ ...object, sql: object.sql.replace(/["`\s]+/g, '').toLowerCase() }));
}
