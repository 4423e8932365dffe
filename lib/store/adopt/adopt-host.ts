/** One row of an older table of hosts, as a host of today. Columns by name; any of the late ones may be missing. */
import { hostNameOf, newHost, withoutCredentials } from '@/lib/fleet/hosts/host';
import { plainName } from '@/lib/text/plain-text';
import { toHostRow, type HostRow } from '../sqlite/rows';
import type { OldDashboard } from './old-schema';
import type { OldRow } from './old-row';
import { oldMetrics, statusWord, testWord } from './adopt-words';

const MAX_ID = 255;
const MAX_NAME = 255;
const DAY_MS = 86_400_000;
const COLOR = /^#[0-9a-f]{6}$/;
const TOKEN_HASH = /^[0-9a-f]{64}$/;
/** The default of the agent that wrote to the old dashboard, for a file whose column is missing. */
const INTERVAL_S = { v1: 30, go: 5 } as const;

export interface AdoptedHost {
  row: HostRow;
  /** HMAC-SHA256 of its own token (version 1). */
  tokenHash: string | null;
  /** What waited for it or ran when the old dashboard stopped: the old name of the operation. */
  pending: { operation: string; at: number } | null;
}

/** What the mapping has to know of the hosts before. */
export interface TakenIds {
  hasHost(id: string): boolean;
  hasToken(hash: string): boolean;
}

export function mapHost(row: OldRow, kind: OldDashboard['kind'], taken: TakenIds, now: number): AdoptedHost {
  const id = hostId(row, taken);
  const name = hostName(row, id);
  const created = row.time('created_at');
  const base = newHost(id, name, created ?? now);
  const lastSeenAt = pastTime(row, 'last_seen', now);
  const type = row.text('host_type', { max: 64 });
  const generation = oldGeneration(row);
  const said = lastSeenAt ?? created ?? now;
  const tests = testsOf(row, said);
  const metrics = oldMetrics(row, row.take('metrics') === null ? 'metrics_json' : 'metrics');
  const metricsAt = row.time('metrics_updated_at') ?? lastSeenAt;
  const record = {
    ...base,
    type,
    location: row.text('location', { max: 255 }),
    deviceType: row.text('device_type', { max: 64 }),
    themeColor: themeColor(row, type === 'macos' ? '#bb9af7' : base.themeColor),
    criticality: criticality(row),
    comment: row.text('comment', { lines: true }),
    agentVersion: row.text('agent_version', { max: 255 }),
    // Who never came said nothing of how it speaks.
    protocol: lastSeenAt === null ? 0 : kind === 'v1' ? 1 : 2,
    osVersion: row.text('os_version', { max: 255 }),
    osName: row.text('os_name', { max: 255 }),
    nixpkgsVersion: row.text('nixpkgs_version', { max: 255 }),
    generation,
    repoUrl: repoUrl(row),
    repoDir: row.text(row.take('repo_dir') === null ? 'config_repo' : 'repo_dir'),
    lockHash: row.text('lock_hash', { max: 255 }),
    heartbeatIntervalS: row.integer('poll_interval', 1, 3_600) ?? INTERVAL_S[kind],
    lock: statusWord(row, 'lock_status_json', generation, said),
    system: statusWord(row, 'system_status_json', generation, said),
    tests,
    metrics,
    metricsAt: metrics === null ? null : metricsAt,
    lastSeenAt,
  };
  const tokenHash = ownTokenHash(row, taken);
  const pending = pendingCommand(row, said);
  return { row: { ...toHostRow(record), importNote: row.note() }, tokenHash, pending };
}

/** The id as it is, unless there is none, another row has it, or no address could hold it. */
function hostId(row: OldRow, taken: TakenIds): string {
  const value = row.take('id');
  const text = value === null || value instanceof Buffer ? '' : String(value);
  const isUsable = text !== '' && text === plainName(text, MAX_ID);
  if (isUsable && !taken.hasHost(text)) return text;
  row.mend('id', isUsable ? 'is that of another row, too.' : 'can’t be used as an id.');
  const base = isUsable ? text : 'adopted';
  for (let n = isUsable ? 2 : row.position; ; n += 1) {
    const made = `${base}.${n}`;
    if (!taken.hasHost(made)) return made;
  }
}

/** Lower-case. What is no host name is shown as it is: no agent can claim it. */
function hostName(row: OldRow, id: string): string {
  const value = row.take('hostname');
  const text = value === null || value instanceof Buffer ? '' : String(value);
  const name = hostNameOf(text);
  if (name !== null) {
    if (name !== text) row.keep('hostname');
    return name;
  }
  row.mend('hostname', 'is no host name: letters, digits and hyphens, at most 63. No agent can connect under it.');
  const shown = plainName(text === '' ? id : text, MAX_NAME);
  // ASCII alone: the Kelvin sign would become a plain k, and the name one that an agent can claim.
  return shown.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function pastTime(row: OldRow, column: string, now: number): number | null {
  const at = row.time(column);
  if (at === null || at <= now + DAY_MS) return at;
  row.mend(column, 'lies in the future.');
  return null;
}

/** Version 1 stored the commit of the checkout; its first agents a store hash or a number, which no commit is like. */
function oldGeneration(row: OldRow): string {
  const go = row.text('generation', { max: 255 });
  if (go !== '') return go;
  const v1 = row.text('current_generation', { max: 255 });
  if (/^[0-9a-f]{7,64}$/i.test(v1)) return v1;
  if (v1 !== '') row.keep('current_generation');
  if (v1 !== '' && v1 !== 'unknown') row.mend('current_generation', 'is no commit.');
  return '';
}

function testsOf(row: OldRow, said: number) {
  const counted = testWord(row, said);
  const tests = statusWord(row, 'tests_status_json', row.text('tests_generation', { max: 255 }), said);
  return tests ?? counted;
}

function themeColor(row: OldRow, fallback: string): string {
  const text = row.text('theme_color');
  const color = text.toLowerCase();
  if (COLOR.test(color)) return color;
  if (text !== '') row.mend('theme_color', 'is no colour of the form #rrggbb.');
  return fallback;
}

function criticality(row: OldRow): HostRow['criticality'] {
  const text = row.text('criticality');
  const known = (['low', 'medium', 'high'] as const).find((word) => word === text);
  if (!known && text !== '') row.mend('criticality', 'is not low, medium or high.');
  return known ?? 'low';
}

function repoUrl(row: OldRow): string {
  const text = row.text('repo_url');
  const safe = withoutCredentials(text);
  if (safe !== text) row.drop('repo_url', 'held credentials or a query, which were left out.');
  return safe;
}

function ownTokenHash(row: OldRow, taken: TakenIds): string | null {
  const text = row.text('agent_token_hash').toLowerCase();
  if (text === '') return null;
  if (!TOKEN_HASH.test(text)) row.mend('agent_token_hash', 'is no hash of a token.');
  else if (taken.hasToken(text)) row.mend('agent_token_hash', 'is that of another host, too.');
  else return text;
  return null;
}

/** It is not run again: see `mapPending` in command.ts. */
function pendingCommand(row: OldRow, said: number): AdoptedHost['pending'] {
  const operation = row.text('pending_command', { max: 64 });
  row.keep('pending_command');
  const queued = row.time('command_queued_at');
  row.keep('command_queued_at');
  return operation === '' ? null : { operation, at: queued ?? said };
}
