/** How a host's record follows what its agent says. Pure: an empty value never overwrites a known one. */
import type { Heartbeat, Register } from '@/lib/protocol/agent';
import type { CompartmentStatus } from '@/lib/protocol/live';
import type { HostRecord, ReportedWord } from '../records/host-record';

const DEFAULT_COLORS: Record<string, string> = { nixos: '#7aa2f7', macos: '#bb9af7' };
const COLOR = /^#[0-9a-f]{6}$/;
/** Marks, in `saidAt`, the word of the agent that a conclusion of the dashboard replaced. */
const OVER = 'over ';
const markOf = (status: CompartmentStatus, saidAt: string) => `${OVER}${status} ${saidAt}`;
const STATUS_WORDS: readonly CompartmentStatus[] = ['ok', 'outdated', 'error', 'unknown'];
/** One DNS label (RFC 1123 §2.1): letters, digits and hyphens, not at the ends, at most 63. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/**
 * The name that an agent claims, lower-case; null when it is no host name. One with a domain is refused: what the network
 * adds changes with the network, and cutting it off could make two hosts one.
 */
export function hostNameOf(claimed: string): string | null {
  const label = claimed.trim();
  // Checked before it is made lower-case: U+212A, the Kelvin sign, becomes a plain k.
  return LABEL.test(label) ? label.toLowerCase() : null;
}

/** Takes user, password and query (which may hold a token) out of an address; `git@host:path` has nothing to hide. */
export function withoutCredentials(address: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(address)?.[0];
  // Without a scheme: `user:password@host…`, which a person typed in the hope that it works.
  if (scheme === undefined) return address.replace(/^[^/@]*:[^/]*@/, '');
  const rest = address.slice(scheme.length);
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  // No port is written like this: it is the start of a password with a slash in it.
  const isCut = !authority.includes('@') && /:(?![0-9]*$)/.test(authority.replace(/^\[[^\]]*\]/, ''));
  const secret = isCut ? rest : authority;
  return scheme + rest.slice(secret.lastIndexOf('@') + 1).replace(/[?#].*$/s, '');
}

/** A host that is seen for the first time. */
export function newHost(id: string, name: string, now: number): HostRecord {
  return {
    id,
    name,
    type: '',
    location: 'home',
    deviceType: 'desktop',
    themeColor: '#7aa2f7',
    themeColorPinned: false,
    note: '',
    agentVersion: '',
    protocol: 0,
    osVersion: '',
    generation: '',
    repoUrl: '',
    storePath: '',
    binaryHash: '',
    lockHash: '',
    heartbeatIntervalS: 5,
    lock: null,
    system: null,
    tests: null,
    metrics: null,
    metricsAt: null,
    createdAt: now,
    lastSeenAt: null,
  };
}

/** The colour of a host that nobody chose: its agent's, where it says one, else that of its system. */
export function unpinnedColor(said: string, type: string, known: string): string {
  const color = said.toLowerCase();
  return COLOR.test(color) ? color : (DEFAULT_COLORS[type] ?? known);
}

export function afterRegister(host: HostRecord, register: Register, now: number): HostRecord {
  const keep = (said: string, known: string) => (said === '' ? known : said);
  const type = keep(register.host_type, host.type);
  const color = register.theme_color.toLowerCase();
  return {
    ...host,
    type,
    location: keep(register.location, host.location),
    deviceType: keep(register.device_type, host.deviceType),
    themeColor: host.themeColorPinned
      ? host.themeColor
      : COLOR.test(color)
        ? color
        : host.lastSeenAt === null
          ? (DEFAULT_COLORS[type] ?? host.themeColor)
          : host.themeColor,
    agentVersion: keep(register.agent_version, host.agentVersion),
    protocol: register.protocol >= 3 ? 3 : 2,
    osVersion: keep(register.os_version === 'unknown' ? '' : register.os_version, host.osVersion),
    generation: keep(register.generation, host.generation),
    repoUrl: keep(withoutCredentials(register.repo_url), host.repoUrl),
    storePath: keep(register.store_path, host.storePath),
    binaryHash: keep(register.binary_hash, host.binaryHash),
    heartbeatIntervalS: register.heartbeat_interval,
    lastSeenAt: now,
  };
}

export function afterHeartbeat(host: HostRecord, beat: Heartbeat, now: number): HostRecord {
  const keep = (said: string, known: string) => (said === '' ? known : said);
  const generation = keep(beat.generation, host.generation);
  return {
    ...host,
    generation,
    storePath: keep(beat.store_path, host.storePath),
    binaryHash: keep(beat.binary_hash, host.binaryHash),
    lockHash: keep(beat.lock_hash, host.lockHash),
    lock: afterWord(host.lock, beat.update_status?.lock, generation, now),
    system: afterWord(host.system, beat.update_status?.system, generation, now),
    tests: afterWord(host.tests, beat.update_status?.tests, generation, now),
    metrics: beat.metrics ?? host.metrics,
    metricsAt: beat.metrics ? now : host.metricsAt,
    lastSeenAt: now,
  };
}

/**
 * A word said again (same word, same time of the agent's) is the old word and still holds for the generation of then;
 * anything else is new. `working` is no result: the command records know what is under way.
 */
function afterWord(
  known: ReportedWord | null,
  said: { status: string; message: string; checked_at: string } | undefined,
  generation: string,
  now: number,
): ReportedWord | null {
  if (!said || said.status === '') return known;
  const status = STATUS_WORDS.find((word) => word === said.status);
  if (!status) return known;
  if (status === 'unknown' && known) return known;
  if (known && known.status === status && known.saidAt === said.checked_at) {
    return known.message === said.message ? known : { ...known, message: said.message };
  }
  if (known && said.checked_at !== '' && known.saidAt === markOf(status, said.checked_at)) return known;
  return { status, message: said.message, saidAt: said.checked_at, at: now, generation };
}

/**
 * A word that the dashboard concludes itself, from a command's verdict. `over`: the word that it replaces, which does not
 * come back when the agent says it once more.
 */
export function concludedWord(
  status: CompartmentStatus,
  message: string,
  generation: string,
  now: number,
  over: ReportedWord | null = null,
): ReportedWord {
  return { status, message, saidAt: over ? replacedMark(over) : '', at: now, generation };
}

function replacedMark({ status, saidAt }: ReportedWord): string {
  return saidAt === '' || saidAt.startsWith(OVER) ? saidAt : markOf(status, saidAt);
}

/** True when something differs that must survive a crash: all but last-seen time and metrics. */
export function differsDurably(a: HostRecord, b: HostRecord): boolean {
  for (const key of Object.keys(b) as (keyof HostRecord)[]) {
    if (key === 'lastSeenAt' || key === 'metrics' || key === 'metricsAt') continue;
    if (a[key] !== b[key]) return true;
  }
  return false;
}
