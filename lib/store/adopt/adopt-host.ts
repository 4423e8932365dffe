/** Maps a row of an older table of hosts to a host. Columns are found by name; later ones may be missing. */
import { newHost, withoutCredentials } from '@/lib/fleet/hosts/host';
import { hostNameOf } from '@/lib/protocol/agent/host-name';
import { themeColorOf } from '@/lib/protocol/agent/theme-color';
import { COMMIT_PREFIX } from '@/lib/git/commit-id';
import { plainName } from '@/lib/text/plain-text';
import { toHostRow, type HostRow, type WrittenHostRow } from '../sqlite/rows';
import type { OldDashboard } from './old-schema';
import type { OldRow } from './old-row';
import { oldMetrics, oldStatus, oldTestStatus } from './old-status';

const MAX_ID = 255;
const MAX_NAME = 255;
const DAY_MS = 86_400_000;
const TOKEN_HASH = /^[0-9a-f]{64}$/;
/** Default interval of the agents of the old dashboard, for a file without that column. */
const INTERVAL_S = { v1: 30, go: 5 } as const;

export interface AdoptedHost {
  row: WrittenHostRow & Pick<HostRow, 'criticality' | 'comment' | 'importNote'>;
  /** HMAC-SHA256 of the host's token (version 1). */
  tokenHash: string | null;
  /** The command that was waiting or running when the old dashboard stopped, by the old name of its operation. */
  pending: { operation: string; at: number } | null;
}

/** Ids and tokens of the hosts mapped before. */
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
  const reportedAt = lastSeenAt ?? created ?? now;
  const tests = testsOf(row, reportedAt);
  const metrics = oldMetrics(row, row.take('metrics') === null ? 'metrics_json' : 'metrics');
  const metricsAt = row.time('metrics_updated_at') ?? lastSeenAt;
  const record = {
    ...base,
    type,
    location: row.text('location', { max: 255 }),
    deviceType: row.text('device_type', { max: 64 }),
    themeColor: themeColor(row, type === 'macos' ? '#bb9af7' : base.themeColor),
    agentVersion: row.text('agent_version', { max: 255 }),
    // A host that never connected has no known protocol.
    protocol: lastSeenAt === null ? 0 : kind === 'v1' ? 1 : 2,
    osVersion: row.text('os_version', { max: 255 }),
    generation,
    repoUrl: repoUrl(row),
    lockHash: row.text('lock_hash', { max: 255 }),
    heartbeatIntervalS: row.integer('poll_interval', 1, 3_600) ?? INTERVAL_S[kind],
    lock: oldStatus(row, 'lock_status_json', generation, reportedAt),
    system: oldStatus(row, 'system_status_json', generation, reportedAt),
    tests,
    metrics,
    metricsAt: metrics === null ? null : metricsAt,
    lastSeenAt,
  };
  const tokenHash = hostTokenHash(row, taken);
  const pending = pendingCommand(row, reportedAt);
  const shown = { criticality: criticality(row), comment: row.text('comment', { lines: true }) };
  return { row: { ...toHostRow(record), ...shown, importNote: row.note() }, tokenHash, pending };
}

/** The old id, unless it is missing, taken by another row, or unusable in an address. */
function hostId(row: OldRow, taken: TakenIds): string {
  const value = row.take('id');
  const text = value === null || value instanceof Buffer ? '' : String(value);
  const isUsable = text !== '' && text === plainName(text, MAX_ID);
  if (isUsable && !taken.hasHost(text)) return text;
  row.reject('id', isUsable ? 'is also the id of another row.' : 'can’t be used as an id.');
  const base = isUsable ? text : 'adopted';
  for (let n = isUsable ? 2 : row.position; ; n += 1) {
    const made = `${base}.${n}`;
    if (!taken.hasHost(made)) return made;
  }
}

/** Lower-case. An invalid host name stays as it is: only an agent that reports exactly that name gets the host. */
function hostName(row: OldRow, id: string): string {
  const value = row.take('hostname');
  const text = value === null || value instanceof Buffer ? '' : String(value);
  const name = hostNameOf(text);
  if (name !== null) {
    if (name !== text) row.keep('hostname');
    return name;
  }
  row.reject(
    'hostname',
    'is not a host name (letters, digits and hyphens, at most 63). Only an agent that reports exactly this name connects as this host.',
  );
  const shown = plainName(text === '' ? id : text, MAX_NAME);
  // ASCII only: the Kelvin sign would become a plain k, and an agent of another name could claim the host.
  return shown.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function pastTime(row: OldRow, column: string, now: number): number | null {
  const at = row.time(column);
  if (at === null || at <= now + DAY_MS) return at;
  row.reject(column, 'is in the future.');
  return null;
}

/** Version 1 stored the commit of the checkout; its first agents stored a store hash or a number instead. */
function oldGeneration(row: OldRow): string {
  const go = row.text('generation', { max: 255 });
  if (go !== '') return go;
  const v1 = row.text('current_generation', { max: 255 });
  if (COMMIT_PREFIX.test(v1.toLowerCase())) return v1;
  if (v1 !== '') row.keep('current_generation');
  if (v1 !== '' && v1 !== 'unknown') row.reject('current_generation', 'is not a commit.');
  return '';
}

function testsOf(row: OldRow, reportedAt: number) {
  const counted = oldTestStatus(row, reportedAt);
  const tests = oldStatus(row, 'tests_status_json', row.text('tests_generation', { max: 255 }), reportedAt);
  return tests ?? counted;
}

function themeColor(row: OldRow, fallback: string): string {
  const text = row.text('theme_color');
  const color = themeColorOf(text);
  if (color !== null) return color;
  if (text !== '') row.reject('theme_color', 'is not a colour of the form #rrggbb.');
  return fallback;
}

function criticality(row: OldRow): HostRow['criticality'] {
  const text = row.text('criticality');
  const known = (['low', 'medium', 'high'] as const).find((word) => word === text);
  if (!known && text !== '') row.reject('criticality', 'is not low, medium or high.');
  return known ?? 'low';
}

function repoUrl(row: OldRow): string {
  const text = row.text('repo_url');
  const safe = withoutCredentials(text);
  if (safe !== text) row.drop('repo_url', 'held credentials or a query, which were removed.');
  return safe;
}

function hostTokenHash(row: OldRow, taken: TakenIds): string | null {
  const text = row.text('agent_token_hash').toLowerCase();
  if (text === '') return null;
  if (!TOKEN_HASH.test(text)) row.reject('agent_token_hash', 'is not the hash of a token.');
  else if (taken.hasToken(text)) row.reject('agent_token_hash', 'is also the token of another host.');
  else return text;
  return null;
}

/** It is not run again: see `mapPending` in adopt-command.ts. */
function pendingCommand(row: OldRow, reportedAt: number): AdoptedHost['pending'] {
  const operation = row.text('pending_command', { max: 64 });
  row.keep('pending_command');
  const queued = row.time('command_queued_at');
  row.keep('command_queued_at');
  return operation === '' ? null : { operation, at: queued ?? reportedAt };
}
