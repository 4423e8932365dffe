/** Writes files like those of older dashboards, in every form of their tables, for tests. */
import { Database } from '../../sqlite/driver';

export type OldCell = null | string | number | bigint | Buffer;
export type OldCells = Record<string, OldCell>;

/** Columns of version 1's table of hosts: the first form, and what each later form added. */
const V1_FIRST = [
  'id',
  'hostname',
  'host_type',
  'location',
  'criticality',
  'icon',
  'last_seen',
  'last_switch',
  'last_audit',
  'last_fix',
  'current_generation',
  'status',
  'pending_command',
  'comment',
  'test_status',
  'config_repo',
];
const V1_ADDED: Record<string, string[]> = {
  A: [],
  B: ['test_running', 'test_current', 'test_total', 'test_passed_count', 'test_result', 'poll_interval'],
  C: ['command_queued_at'],
  D: ['device_type', 'theme_color', 'metrics'],
  E: [],
  F: ['agent_token_hash'],
  G: ['metrics_updated_at', 'agent_version'],
  H: ['nixpkgs_version', 'os_version', 'os_name'],
};
export const V1_FORMS = Object.keys(V1_ADDED);
/** Columns that the Go dashboard adds to a file of version 1 that it opens. */
const ADDED_BY_GO = [
  'metrics_json',
  'test_progress',
  'tests_status_json',
  'tests_generation',
  'repo_url',
  'repo_dir',
  'lock_status_json',
  'system_status_json',
  'lock_hash',
];

const GO_FIRST = [
  'id',
  'hostname',
  'host_type',
  'agent_version',
  'os_version',
  'nixpkgs_version',
  'generation',
  'last_seen',
  'status',
  'pending_command',
  'comment',
  'created_at',
];
const GO_ADDED: Record<string, string[]> = {
  'as first written': [],
  'with colours and metrics': ['theme_color', 'metrics_json'],
  'with locations and tests': ['location', 'device_type', 'test_progress', 'tests_status_json', 'tests_generation'],
  'with repositories and status': ['repo_url', 'repo_dir', 'lock_status_json', 'system_status_json'],
  'of 3.1': ['lock_hash'],
};
export const GO_FORMS = Object.keys(GO_ADDED);

const V1_TABLES = {
  command_log: ['id', 'host_id', 'command', 'status', 'output', 'created_at', 'completed_at'],
  sessions: ['token', 'csrf_token', 'expires_at', 'created_at'],
};
const GO_TABLES = {
  sessions: ['id', 'csrf_token', 'created_at', 'expires_at'],
  command_logs: ['id', 'host_id', 'command', 'status', 'exit_code', 'message', 'started_at', 'completed_at'],
  metrics: ['id', 'host_id', 'cpu', 'ram', 'swap', 'load', 'recorded_at'],
  reboot_attempts: ['id', 'host_id', 'attempted_at', 'success'],
  audit_log: ['id', 'action', 'host_id', 'user_session', 'timestamp', 'success', 'details'],
  commands: [
    'id',
    'host_id',
    'op',
    'pipeline_id',
    'status',
    'created_at',
    'started_at',
    'finished_at',
    'exit_code',
    'error',
    'output_file',
  ],
  pipelines: ['id', 'name', 'hosts', 'current_stage', 'status', 'created_at', 'finished_at'],
  event_log: ['id', 'timestamp', 'category', 'level', 'actor', 'host_id', 'action', 'message', 'details'],
  state_version: ['id', 'version'],
};
/** Tables that only the last form of the Go dashboard has. */
const LATE_GO_TABLES = ['reboot_attempts', 'audit_log', 'commands', 'pipelines', 'event_log', 'state_version'];

export type OldTablesOf = Record<string, string[]>;

function upTo(first: string[], added: Record<string, string[]>, form: string): string[] {
  const forms = Object.keys(added);
  return [...first, ...forms.slice(0, forms.indexOf(form) + 1).flatMap((name) => added[name] ?? [])];
}

/** Tables and columns of a form of version 1; `opened`: as the Go dashboard leaves such a file. */
export function v1Tables(form: string, opened = false): OldTablesOf {
  const hosts = upTo(V1_FIRST, V1_ADDED, form);
  if (!opened) return { hosts, ...V1_TABLES };
  const late = [
    ...ADDED_BY_GO,
    'agent_version',
    'os_version',
    'nixpkgs_version',
    'theme_color',
    'location',
    'device_type',
  ];
  return { ...GO_TABLES, hosts: [...new Set([...hosts, ...late])], ...V1_TABLES };
}

export function goTables(form: string): OldTablesOf {
  const tables = Object.entries(GO_TABLES).filter(([name]) => form === 'of 3.1' || !LATE_GO_TABLES.includes(name));
  return { hosts: upTo(GO_FIRST, GO_ADDED, form), ...Object.fromEntries(tables) };
}

/**
 * Writes a file. Its columns have no type and no constraint, so that they hold any value, and are in reverse order, because
 * the adoption must not depend on their position.
 */
export function writeOldFile(path: string, tables: OldTablesOf, rows: Record<string, OldCells[]>): void {
  const client = new Database(path);
  client.pragma('synchronous = OFF');
  client.exec('begin');
  for (const [table, columns] of Object.entries(tables)) {
    const names = [...columns].reverse();
    client.exec(`create table "${table}" (${names.map((name) => `"${name}"`).join(', ')})`);
    const insert = client.prepare(`insert into "${table}" values (${names.map(() => '?').join(', ')})`);
    for (const cells of rows[table] ?? []) insert.run(names.map((name) => cells[name] ?? null));
  }
  client.exec('commit');
  client.close();
}
