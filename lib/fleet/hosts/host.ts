/** Updates a host's record from its agent's frames. Pure: an empty value never overwrites a known one. */
import type { HostRecord, CompartmentReport } from '../records/host-record';
import type { SystemGenerations } from '../records/generations-record';
import { POLICY } from '@/lib/protocol/agent/capabilities';
import type { Heartbeat } from '@/lib/protocol/agent/heartbeat';
import type { HostPolicyReport } from '@/lib/protocol/agent/host-policy';
import type { Register } from '@/lib/protocol/agent/register';
import type { SystemGenerationsReport } from '@/lib/protocol/agent/system-generations';
import { themeColorOf } from '@/lib/protocol/agent/theme-color';
import type { CompartmentStatus } from '@/lib/protocol/compartment-names';
import type { PolicyView } from '@/lib/protocol/live/views/policy-view';

const DEFAULT_COLORS: Record<string, string> = { nixos: '#7aa2f7', macos: '#bb9af7' };
/** Marks, in `saidAt`, the agent's report that a conclusion of the dashboard replaced. */
const OVER = 'over ';
const markOf = (status: CompartmentStatus, saidAt: string) => `${OVER}${status} ${saidAt}`;
const REPORTED_STATUSES: readonly CompartmentStatus[] = ['ok', 'outdated', 'error', 'unknown'];
/** Removes user, password and query (which may hold a token) from an address; `git@host:path` stays as it is. */
export function withoutCredentials(address: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(address)?.[0];
  // Without a scheme: `user:password@host…`, typed by hand.
  if (scheme === undefined) return address.replace(/^[^/@:]*:[^/]*@/, '');
  const rest = address.slice(scheme.length);
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  // This is not a port: it is the start of a password that contains a slash.
  const isCut = !authority.includes('@') && /:(?![0-9]*$)/.test(authority.replace(/^\[[^\]]*\]/, ''));
  const secret = isCut ? rest : authority;
  return scheme + rest.slice(secret.lastIndexOf('@') + 1).replace(/[?#].*$/s, '');
}

/** The record of a new host. */
export function newHost(id: string, name: string, now: number): HostRecord {
  return {
    id,
    name,
    type: '',
    location: 'home',
    deviceType: 'desktop',
    themeColor: '#7aa2f7',
    themeColorPinned: false,
    confirmSwitches: 'default',
    note: '',
    agentVersion: '',
    protocol: 0,
    capabilities: null,
    hostsDashboard: false,
    policy: null,
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

/** The colour of a host without a pinned one: the colour its agent reports, else the default of its system. */
export function unpinnedColor(reported: string, type: string, known: string): string {
  return themeColorOf(reported) ?? DEFAULT_COLORS[type] ?? known;
}

export function afterRegister(host: HostRecord, register: Register, now: number): HostRecord {
  const keep = (reported: string, known: string) => (reported === '' ? known : reported);
  const type = keep(register.host_type, host.type);
  return {
    ...host,
    type,
    location: keep(register.location, host.location),
    deviceType: keep(register.device_type, host.deviceType),
    themeColor: host.themeColorPinned
      ? host.themeColor
      : (themeColorOf(register.theme_color) ??
        (host.lastSeenAt === null ? DEFAULT_COLORS[type] : undefined) ??
        host.themeColor),
    agentVersion: keep(register.agent_version, host.agentVersion),
    protocol: register.protocol >= 3 ? 3 : 2,
    capabilities: register.capabilities,
    hostsDashboard: register.hosts_dashboard,
    // An agent that does not report it does not follow it either.
    policy: register.capabilities?.includes(POLICY) === true ? host.policy : null,
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
  const keep = (reported: string, known: string) => (reported === '' ? known : reported);
  const generation = keep(beat.generation, host.generation);
  return {
    ...host,
    generation,
    storePath: keep(beat.store_path, host.storePath),
    binaryHash: keep(beat.binary_hash, host.binaryHash),
    lockHash: keep(beat.lock_hash, host.lockHash),
    lock: afterReport(host.lock, beat.update_status?.lock, generation, now),
    system: afterReport(host.system, beat.update_status?.system, generation, now),
    tests: afterReport(host.tests, beat.update_status?.tests, generation, now),
    metrics: beat.metrics ?? host.metrics,
    metricsAt: beat.metrics ? now : host.metricsAt,
    lastSeenAt: now,
  };
}

/**
 * A repeated report (same status, same time by the agent's clock) still holds for the generation it was first sent for;
 * anything else is a new report. `working` is not a result: command records say what is running.
 */
function afterReport(
  known: CompartmentReport | null,
  reported: { status: string; message: string; checked_at: string } | undefined,
  generation: string,
  now: number,
): CompartmentReport | null {
  if (!reported || reported.status === '') return known;
  const status = REPORTED_STATUSES.find((one) => one === reported.status);
  if (!status) return known;
  if (status === 'unknown' && known) return known;
  if (known && known.status === status && known.saidAt === reported.checked_at) {
    return known.message === reported.message ? known : { ...known, message: reported.message };
  }
  if (known && reported.checked_at !== '' && known.saidAt === markOf(status, reported.checked_at)) return known;
  return { status, message: reported.message, saidAt: reported.checked_at, at: now, generation };
}

/**
 * A report that the dashboard concludes from a command's verdict. `over`: the report it replaces, which does not come
 * back when the agent repeats it.
 */
export function concludedReport(
  status: CompartmentStatus,
  message: string,
  generation: string,
  now: number,
  over: CompartmentReport | null = null,
): CompartmentReport {
  return { status, message, saidAt: over ? replacedMark(over) : '', at: now, generation };
}

function replacedMark({ status, saidAt }: CompartmentReport): string {
  return saidAt === '' || saidAt.startsWith(OVER) ? saidAt : markOf(status, saidAt);
}

/** The record with the policy that the agent reported. The known object stays where nothing has changed. */
export function afterPolicy(host: HostRecord, report: HostPolicyReport): HostRecord {
  const { oldest_commit: oldestCommit, more_signers: moreSigners, ...others } = report;
  const policy: PolicyView = { ...others, oldestCommit, moreSigners };
  return JSON.stringify(host.policy) === JSON.stringify(policy) ? host : { ...host, policy };
}

/** What a report has changed, for the activity log; null where nothing has, or where a host never had a policy. */
export function policyChange(
  before: PolicyView | null,
  after: PolicyView | null,
): { before: PolicyView['state'] | null; now: PolicyView['state']; problem: string } | null {
  if (after === null || before === after || (before === null && after.state === 'none')) return null;
  return { before: before?.state ?? null, now: after.state, problem: after.problem };
}

/** The list that an agent reported, as it is stored: the newest first, each number once. */
export function reportedGenerations(report: SystemGenerationsReport, now: number): SystemGenerations {
  const byNumber = new Map(report.generations.toReversed().map((each) => [each.number, each]));
  const generations = [...byNumber.values()]
    .sort((a, b) => b.number - a.number)
    .map((each) => ({
      number: each.number,
      createdAt: each.created_at,
      nixosVersion: each.nixos_version,
      kernelVersion: each.kernel_version,
      revision: each.configuration_revision,
      runs: each.runs,
      nextBoot: each.next_boot,
      booted: each.booted,
    }));
  return { at: now, total: Math.max(report.total, generations.length), generations };
}

const FLEETING: ReadonlySet<keyof HostRecord> = new Set(['lastSeenAt', 'metrics', 'metricsAt', 'capabilities']);

/** True if something differs that must survive a crash: anything but the last-seen time, metrics and capabilities. */
export function differsDurably(a: HostRecord, b: HostRecord): boolean {
  for (const key of Object.keys(b) as (keyof HostRecord)[]) if (a[key] !== b[key] && !FLEETING.has(key)) return true;
  return false;
}
