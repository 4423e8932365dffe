/** Prepared statements made from the schema, so that a column exists in one place only. */
import type Database from 'better-sqlite3';
import { getTableColumns, getTableName, type InferInsertModel } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { wellFormed } from './well-formed';

export interface WriterOptions {
  /** Names of the fields that identify a row: an existing row is then updated in place. Without them, a clash throws. */
  key?: readonly string[];
  /** Names of fields that this writer never sets. */
  omit?: readonly string[];
  /** Names of fields that this writer sets in a new row only: an update leaves what is stored. */
  insertOnly?: readonly string[];
}

/**
 * Inserts a row, or updates the one with the same key. A field that the row does not have gets the default of the
 * schema. Never INSERT OR REPLACE: that deletes the row first, and with it everything that refers to it.
 */
export function prepareWriter<T extends SQLiteTable>(
  client: Database.Database,
  table: T,
  { key = [], omit = [], insertOnly = [] }: WriterOptions = {},
): (row: InferInsertModel<T>) => void {
  const columns = Object.entries(getTableColumns(table)).filter(([field]) => !omit.includes(field));
  const quoted = (fields: typeof columns) => fields.map(([, column]) => `"${column.name}"`);
  const names = quoted(columns);
  const target = quoted(columns.filter(([field]) => key.includes(field)));
  const updates = quoted(columns.filter(([field]) => !key.includes(field) && !insertOnly.includes(field)))
    .map((name) => `${name} = excluded.${name}`)
    .join(', ');
  const onConflict = target.length > 0 ? ` on conflict (${target.join(', ')}) do update set ${updates}` : '';
  const statement = client.prepare(
    `insert into "${getTableName(table)}" (${names.join(', ')}) values (${names.map(() => '?').join(', ')})${onConflict}`,
  );
  return (row) => {
    const values = new Map<string, unknown>(Object.entries(row));
    statement.run(
      columns.map(([field, column]) => {
        const value: unknown = values.get(field) ?? column.defaultFn?.() ?? null;
        const bound: unknown = value === null ? null : column.mapToDriverValue(value);
        return typeof bound === 'string' ? wellFormed(bound) : bound;
      }),
    );
  };
}
