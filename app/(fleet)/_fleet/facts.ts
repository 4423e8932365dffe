/** What the fleet page says about a host beyond what the host's view says itself. Pure. */
import { commandWord } from '@/app/_output/drawer/command-words';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import type { CommandView, CompartmentName, CompartmentStatus, HostView, OperationId } from '@/lib/protocol/live';

/** Missing this many heartbeats makes a host late; more than a few make it very late. */
const LATE_BEATS = 2;
const VERY_LATE_BEATS = 10;
/** Room for the way here, so that one slow heartbeat of a quick interval is no alarm. */
const GRACE_MS = 5_000;

/** `unheard`: this page hears of no host, so that nothing can be said of this one. */
export type Lateness = 'offline' | 'on-time' | 'late' | 'very-late' | 'unheard';

/** Whether a host's last sign of life is as fresh as its own interval promises. */
export function lateness(host: Pick<HostView, 'online' | 'lastSeenAt' | 'heartbeatIntervalS'>, now: number): Lateness {
  if (!host.online) return 'offline';
  if (host.lastSeenAt === null) return 'late';
  const age = Math.max(0, now - host.lastSeenAt);
  const beat = Math.max(1, host.heartbeatIntervalS) * 1_000;
  if (age <= LATE_BEATS * beat + GRACE_MS) return 'on-time';
  return age <= VERY_LATE_BEATS * beat + GRACE_MS ? 'late' : 'very-late';
}

/** The host does not run, or does not have, what it should: something is there to be pulled or switched to. */
export function isBehind(host: HostView): boolean {
  const { git, lock, system } = host.compartments;
  return [git, lock, system].some((compartment) => compartment.status === 'outdated');
}

/** A fact about the host is an error. */
export function isFailing(host: HostView): boolean {
  return Object.values(host.compartments).some((compartment) => compartment.status === 'error');
}

export function isRunning(host: HostView): boolean {
  return host.command !== null || host.control !== null || host.foreignCommand !== '';
}

/** How much a status asks for attention; more is worse. */
export const SEVERITY: Record<CompartmentStatus, number> = { error: 4, outdated: 3, working: 2, unknown: 1, ok: 0 };

export const COMPARTMENT_WORDS: Record<CompartmentName, { title: string; about: string }> = {
  agent: { title: 'Agent', about: 'Is the agent the version that this dashboard expects?' },
  git: { title: 'Git', about: 'Does the host’s clone have the desired commit?' },
  lock: { title: 'Lock', about: 'Is its flake.lock the desired one?' },
  system: { title: 'System', about: 'Does it run what it has pulled?' },
  tests: { title: 'Tests', about: 'Did its test scripts pass on what it runs?' },
};

/** What a command that is under way is doing, in a few words. */
export function activity(command: CommandView): string {
  const { phase, progress } = command;
  const word = commandWord(command).word;
  if (phase !== 'running' && phase !== 'warning') return word;
  const label = progress && progress.label !== '' ? progress.label : word;
  if (!progress || progress.total === 0) return label;
  const count = `${progress.current}/${progress.total}`;
  // "Switch" stands before it: "Switching" says nothing new, and takes the room of the count.
  return label.startsWith(OPERATIONS[command.operation].label) ? count : `${label} ${count}`;
}

/** The operation that would mend the host's first fault; null when all is well or nobody knows. */
export function nextStep(host: Pick<HostView, 'compartments'>): OperationId | null {
  const { git, lock, system, tests, agent } = host.compartments;
  const faulty = [git, lock, system, tests, agent].find(
    ({ status, next }) => next !== null && (status === 'outdated' || status === 'error'),
  );
  return faulty?.next ?? null;
}
