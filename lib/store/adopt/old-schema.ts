/**
 * Recognises which older dashboard wrote a file, from the names of tables and columns alone: real files have their columns
 * in any order, and later ones may be missing (version 1 had eight forms of its table of hosts).
 */
import type Sqlite from 'better-sqlite3';

/** Table names unchanged, columns in lower case. */
export type OldTables = ReadonlyMap<string, ReadonlySet<string>>;

export interface OldDashboard {
  kind: 'v1' | 'go';
  /** Name of the dashboard for messages. */
  label: string;
  tables: OldTables;
}

/** A distinctive column of each form of version 1's table of hosts, newest first. */
const V1_FORMS = [
  ['H', 'os_name'],
  ['G', 'metrics_updated_at'],
  ['F', 'agent_token_hash'],
  ['D or E', 'theme_color'],
  ['C', 'command_queued_at'],
  ['B', 'test_running'],
] as const;

export function readTables(client: Sqlite.Database): OldTables {
  const names = client
    .prepare<[], string>(
      "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name",
    )
    .pluck()
    .all();
  const columns = client.prepare<[string], string>('select name from pragma_table_info(?)').pluck();
  return new Map(names.map((name) => [name, new Set(columns.all(name).map((column) => column.toLowerCase()))]));
}

/** Null for a file that no older dashboard wrote. */
export function recognise(tables: OldTables): OldDashboard | null {
  const hosts = tables.get('hosts');
  if (!hosts || !['id', 'hostname', 'host_type'].every((column) => hosts.has(column))) return null;
  if (hosts.has('current_generation')) {
    const [form] = V1_FORMS.find(([, column]) => hosts.has(column)) ?? ['A'];
    const opened = tables.has('command_logs') ? ', opened by the Go dashboard later' : '';
    return { kind: 'v1', label: `version 1 (form ${form} of its tables${opened})`, tables };
  }
  if (!hosts.has('generation')) return null;
  const isOlder = !tables.has('event_log') || !hosts.has('lock_hash');
  return { kind: 'go', label: `the Go dashboard (${isOlder ? 'an early form of its tables' : 'as of 3.1'})`, tables };
}
