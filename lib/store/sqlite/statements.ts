/** Prepared statements made from the schema, so that a column exists in one place only. */
import type Database from 'better-sqlite3';
import { getTableColumns, getTableName, type InferInsertModel } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';

export interface WriterOptions {
  /** Names of the fields that make a row the same one: it is then updated in place. Without them, a clash throws. */
  key?: readonly string[];
  /** Names of fields that this writer never sets. */
  omit?: readonly string[];
}

/**
 * Inserts a row, or updates the one with the same key. Never INSERT OR REPLACE: that deletes the row first, and with it
 * everything that refers to it.
 */
export function prepareWriter<T extends SQLiteTable>(
  client: Database.Database,
  table: T,
  { key = [], omit = [] }: WriterOptions = {},
): (row: InferInsertModel<T>) => void {
  const columns = Object.entries(getTableColumns(table)).filter(([field]) => !omit.includes(field));
  const names = columns.map(([, column]) => `"${column.name}"`);
  const target = columns.filter(([field]) => key.includes(field)).map(([, column]) => `"${column.name}"`);
  const updates = names.filter((name) => !target.includes(name)).map((name) => `${name} = excluded.${name}`);
  const onConflict = target.length > 0 ? ` on conflict (${target.join(', ')}) do update set ${updates.join(', ')}` : '';
  const statement = client.prepare(
    `insert into "${getTableName(table)}" (${names.join(', ')}) values (${names.map(() => '?').join(', ')})${onConflict}`,
  );
  return (row) => {
    const values = new Map<string, unknown>(Object.entries(row));
    statement.run(
      columns.map(([field, column]) => {
        const value = values.get(field) ?? null;
        return value === null ? null : column.mapToDriverValue(value);
      }),
    );
  };
}
