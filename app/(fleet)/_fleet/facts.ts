/** What the fleet page derives from a host's view. Pure. */
import { commandWord } from '@/app/_output/drawer/command-words';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { CompartmentName, CompartmentStatus } from '@/lib/protocol/compartment-names';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** Missed heartbeats after which a host is late, and very late. */
const LATE_HEARTBEATS = 2;
const VERY_LATE_HEARTBEATS = 10;
/** Allowance for network delay, so that one slow heartbeat of a short interval raises no alarm. */
const GRACE_MS = 5_000;

/** `unknown`: this page has no live connection, so it cannot tell. */
export type Lateness = 'offline' | 'on-time' | 'late' | 'very-late' | 'unknown';

/** Whether a host's last heartbeat is as recent as its heartbeat interval requires. */
export function lateness(host: Pick<HostView, 'online' | 'lastSeenAt' | 'heartbeatIntervalS'>, now: number): Lateness {
  if (!host.online) return 'offline';
  if (host.lastSeenAt === null) return 'late';
  const age = Math.max(0, now - host.lastSeenAt);
  const intervalMs = Math.max(1, host.heartbeatIntervalS) * 1_000;
  if (age <= LATE_HEARTBEATS * intervalMs + GRACE_MS) return 'on-time';
  return age <= VERY_LATE_HEARTBEATS * intervalMs + GRACE_MS ? 'late' : 'very-late';
}

/** When a compartment was determined; null when nothing is known. The agent is as old as its last sign of life. */
export function checkedAtOf(host: Pick<HostView, 'compartments' | 'lastSeenAt'>, name: CompartmentName): number | null {
  return name === 'agent' ? host.lastSeenAt : host.compartments[name].checkedAt;
}

/** Whether its agent calls nixos-rebuild for a switch, because nixfleet-root is not installed or the agent is older. */
export function usesRebuild(host: Pick<HostView, 'type' | 'protocol' | 'missingCapabilities'>): boolean {
  return host.type === 'nixos' && host.protocol >= 2 && host.missingCapabilities.includes('activation');
}

/** The host is not up to date: it needs a pull or a switch. */
export function isBehind(host: Pick<HostView, 'compartments'>): boolean {
  const { git, lock, system } = host.compartments;
  return [git, lock, system].some((compartment) => compartment.status === 'outdated');
}

/** At least one compartment of the host is in error, or its last command was taken back or refused. */
export function isFailing(host: Pick<HostView, 'compartments' | 'lastCommand'>): boolean {
  if (host.lastCommand?.outcome === 'rolled-back' || host.lastCommand?.outcome === 'refused') return true;
  return Object.values(host.compartments).some((compartment) => compartment.status === 'error');
}

export function isRunning(host: Pick<HostView, 'command' | 'control' | 'foreignCommand'>): boolean {
  return host.command !== null || host.control !== null || host.foreignCommand !== '';
}

/** How urgent a status is; higher is worse. */
export const SEVERITY: Record<CompartmentStatus, number> = { error: 4, outdated: 3, working: 2, unknown: 1, ok: 0 };

export const COMPARTMENT_WORDS: Record<CompartmentName, { title: string; about: string }> = {
  agent: { title: 'Agent', about: 'Does the agent have the version that this dashboard expects?' },
  git: { title: 'Git', about: 'Is the host’s clone at the desired commit?' },
  lock: { title: 'Lock', about: 'Does its flake.lock match the desired state?' },
  system: { title: 'System', about: 'Is the pulled configuration active?' },
  tests: { title: 'Tests', about: 'Did its test scripts pass on the active configuration?' },
};

/** Whether a count says something: "0 of 3" under an empty bar looks stuck while the first step builds for an hour. */
export function hasProgress(progress: CommandView['progress']): boolean {
  return progress !== null && progress.total > 0 && progress.current > 0;
}

/** What a running command is doing, in a few words. */
export function activity(command: CommandView): string {
  const { phase, progress } = command;
  const word = commandWord(command).word;
  const stage = phase === 'confirming' ? command.confirmation?.stage : undefined;
  if (stage === 'keeping') return 'Keeping the system';
  if (stage === 'going-back') return 'Going back';
  if (phase !== 'running' && phase !== 'warning') return word;
  if (!progress || progress.label === '') return word;
  // The operation's name stands before it: "Switching" after "Switch" would only take the space of the count.
  const repeats = progress.label.startsWith(OPERATIONS[command.operation].label);
  if (!hasProgress(progress)) return repeats ? word : progress.label;
  const count = `${progress.current} of ${progress.total}`;
  return repeats ? count : `${progress.label} ${count}`;
}

/** Why a command that ended did not do everything, for little space; empty for the others. */
export function shortReason(command: Pick<CommandView, 'phase' | 'outcome' | 'reason'>): string {
  const { tone } = commandWord(command);
  if (tone !== 'warn' && tone !== 'bad' && tone !== 'back') return '';
  // "Switched, but unit x failed", "nix build failed with exit code 1: x failed": the word before it says the first part.
  return command.reason
    .replace(/^(?:The host reported|Refused by the host): /, '')
    .replace(/^\w[\w -]{0,60}(?:, but | failed with exit code \d{1,3}: )/, '');
}

/** The operation that would fix the host's first problem; null when there is none, or no operation is known. */
export function nextStep(host: Pick<HostView, 'compartments'>): OperationId | null {
  const { git, lock, system, tests, agent } = host.compartments;
  const faulty = [git, lock, system, tests, agent].find(
    ({ status, next }) => next !== null && (status === 'outdated' || status === 'error'),
  );
  return faulty?.next ?? null;
}
