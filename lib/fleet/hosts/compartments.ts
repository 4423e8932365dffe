/**
 * Judges the five compartments of a host: green only with proof, an empty value proves nothing, an agent's report holds
 * for the generation it was sent for, and what can't be compared with the desired state is not called current. Pure; its
 * test is a table of cases.
 */
import { sameCommit, shortCommit, type DesiredState, type HostRelation } from './desired';
import type { HostRecord, CompartmentReport } from '../records/host-record';
import { counted } from '@/lib/text/counted';
import { LOCK_CHANGED } from '@/lib/protocol/agent/lock-hash';
import type { CompartmentName } from '@/lib/protocol/compartment-names';
import type { CompartmentView } from '@/lib/protocol/live/views/compartment-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** The fields of a host's record that its compartments are judged by. */
export const JUDGED_FIELDS = [
  'agentVersion',
  'protocol',
  'generation',
  'lockHash',
  'lock',
  'system',
  'tests',
] as const satisfies readonly (keyof HostRecord)[];

export interface CompartmentInput {
  host: Pick<HostRecord, (typeof JUDGED_FIELDS)[number]>;
  desired: DesiredState;
  relation: HostRelation;
  /** The version of this dashboard and of the agent that belongs to it. */
  version: string;
  /** The operation that is running on the host. */
  running: OperationId | null;
}

type Judged = CompartmentView;

/** Agents send commit ids of different lengths; anything that is not a commit id has to be the same text. */
const isSame = (a: string, b: string) => a === b || sameCommit(a, b);

/** The compartments that each operation works on while it runs. */
const WORKS_ON: Readonly<Record<OperationId, readonly CompartmentName[]>> = {
  pull: ['git'],
  switch: ['system'],
  'pull-switch': ['git', 'system'],
  test: ['tests'],
  rollback: ['system'],
  'switch-generation': ['system'],
  update: ['lock'],
  stop: [],
  kill: [],
  restart: [],
  reboot: [],
  'check-version': [],
  'refresh-git': [],
  'refresh-lock': ['lock'],
  'refresh-system': ['system'],
  'refresh-all': [],
  'force-update': ['system'],
  boot: ['system'],
  'merge-pr': [],
  'set-color': [],
  'remove-host': [],
  'add-host': [],
};

export function judgeCompartments(input: CompartmentInput): Record<CompartmentName, CompartmentView> {
  const git = judgeGit(input);
  const lock = judgeLock(input);
  const system = judgeSystem(input, git, lock);
  const judged = { agent: judgeAgent(input), git, lock, system, tests: judgeTests(input, git, lock, system) };
  for (const name of input.running ? WORKS_ON[input.running] : []) {
    judged[name] = {
      ...judged[name],
      status: 'working',
      message: `In progress. Before: ${judged[name].message}`,
      next: null,
    };
  }
  return judged;
}

function judgeAgent({ host, version }: CompartmentInput): Judged {
  // Its age is that of the host's last sign of life, which the view holds once.
  const checkedAt = null;
  if (host.protocol === 1) {
    const version = host.agentVersion === '' ? '' : ` ${host.agentVersion}`;
    const message =
      `Version-1 agent${version}, which can only pull and switch. To replace it, add this dashboard’s agent to the ` +
      'host’s configuration, then pull and switch.';
    return { status: 'outdated', message, checkedAt, next: 'pull-switch' };
  }
  if (host.agentVersion === '') {
    return { status: 'unknown', message: 'The agent has not reported its version yet.', checkedAt, next: null };
  }
  if (host.agentVersion === version) {
    return { status: 'ok', message: `Agent ${version}, the same version as the dashboard.`, checkedAt, next: null };
  }
  const older = host.protocol < 3 ? ' It uses an older protocol: results can be lost while it is offline.' : '';
  return {
    status: 'outdated',
    message: `Agent ${host.agentVersion}; the dashboard’s version is ${version}.${older}`,
    checkedAt,
    next: 'check-version',
  };
}

/** Why nothing can be compared with the desired state; null when it can. */
function incomparable(desired: DesiredState): Judged | null {
  const checkedAt = desired.fetchedAt;
  if (desired.source === 'none') {
    return { status: 'unknown', message: 'No desired state is configured to compare with.', checkedAt, next: null };
  }
  if (desired.error) {
    // Said once for the fleet, with its cause: nothing is wrong with the host.
    return { status: 'unknown', message: 'The desired state can’t be fetched to compare with.', checkedAt, next: null };
  }
  if (desired.commit === '') {
    return { status: 'unknown', message: 'The desired state has not been fetched yet.', checkedAt, next: null };
  }
  return null;
}

function judgeGit({ host, desired, relation }: CompartmentInput): Judged {
  const blocked = incomparable(desired);
  if (blocked) return blocked;
  const checkedAt = desired.fetchedAt;
  if (host.generation === '') {
    return { status: 'unknown', message: 'The host has not reported its commit.', checkedAt, next: 'pull' };
  }
  const [has, wanted] = [shortCommit(host.generation), shortCommit(desired.commit)];
  const about = desired.message === '' ? '' : `: ${desired.message}`;
  const count = relation.commits === null ? '' : ` ${counted(relation.commits, 'commit')}`;
  switch (relation.relation) {
    case 'equal':
      return { status: 'ok', message: `At ${wanted}${about}`, checkedAt, next: null };
    case 'ahead':
      return {
        status: 'ok',
        message: `Ahead of ${wanted}${count === '' ? '' : ` by${count}`}: at ${has}.`,
        checkedAt,
        next: null,
      };
    case 'behind':
      return {
        status: 'outdated',
        message: `Behind by${count || ' an unknown number of commits'} (${has} → ${wanted})${about}`,
        checkedAt,
        next: 'pull',
      };
    case 'diverged':
      return {
        status: 'outdated',
        message: `At ${has}, which is not on the branch (desired ${wanted}).`,
        checkedAt,
        next: 'pull',
      };
    case 'differs':
      return {
        status: 'outdated',
        message: `At ${has}; the desired commit is ${wanted}${about}`,
        checkedAt,
        next: 'pull',
      };
    case 'unknown':
      return { status: 'unknown', message: `At ${has}, which is not in the repository.`, checkedAt, next: 'pull' };
  }
}

function judgeLock({ host, desired, relation }: CompartmentInput): Judged {
  if (desired.source === 'none')
    return fromReport(host.lock, 'The host has not reported the state of its flake.lock.', 'update');
  const blocked = incomparable(desired);
  if (blocked) return blocked;
  const checkedAt = desired.fetchedAt;
  if (desired.lockHash === '') {
    const why = desired.hint ?? 'The desired state has no hash of flake.lock to compare with.';
    return { status: 'unknown', message: why, checkedAt, next: null };
  }
  if (host.lockHash === '') {
    return {
      status: 'unknown',
      message: 'The host has no flake.lock, or has not reported its hash.',
      checkedAt,
      next: 'pull',
    };
  }
  if (host.lockHash === LOCK_CHANGED) {
    const message = 'flake.lock on the host is changed and not committed, so it is not the desired one.';
    return { status: 'outdated', message, checkedAt, next: 'pull' };
  }
  if (host.lockHash === desired.lockHash) {
    return { status: 'ok', message: 'flake.lock matches the desired state.', checkedAt, next: null };
  }
  if (relation.relation === 'ahead') {
    return { status: 'ok', message: 'flake.lock is from a newer commit than the desired one.', checkedAt, next: null };
  }
  return { status: 'outdated', message: 'flake.lock differs from the desired state.', checkedAt, next: 'pull' };
}

/** The first of Git and Lock that is not green, which keeps System and Tests from being green. */
function blockerOf(git: Judged, lock: Judged): Judged | null {
  if (git.status !== 'ok') return git;
  return lock.status !== 'ok' ? lock : null;
}

function judgeSystem({ host }: CompartmentInput, git: Judged, lock: Judged): Judged {
  const report = host.system;
  const blocker = blockerOf(git, lock);
  const checkedAt = report?.at ?? null;
  if (!report || report.status === 'unknown') {
    if (blocker && blocker.status !== 'unknown') {
      return {
        status: 'outdated',
        message: `Not known to be current. ${blocker.message}`,
        checkedAt,
        next: blocker.next,
      };
    }
    return {
      status: 'unknown',
      message: report?.message || 'The host has not reported what its system runs.',
      checkedAt,
      next: 'refresh-system',
    };
  }
  if (report.status === 'error')
    return { status: 'error', message: report.message || 'The last switch failed.', checkedAt, next: 'switch' };
  if (report.status !== 'ok')
    return { status: 'outdated', message: report.message || 'Needs a switch.', checkedAt, next: 'switch' };
  if (report.generation === '') {
    return {
      status: 'unknown',
      message: 'The host reported its system without naming the commit.',
      checkedAt,
      next: 'refresh-system',
    };
  }
  if (host.generation !== '' && !isSame(report.generation, host.generation)) {
    return {
      status: 'outdated',
      message: `Runs ${shortCommit(report.generation)}; ${shortCommit(host.generation)} is pulled but not switched to.`,
      checkedAt,
      next: 'switch',
    };
  }
  if (!blocker)
    return { status: 'ok', message: report.message || 'The system matches the desired state.', checkedAt, next: null };
  switch (blocker.status) {
    case 'outdated':
    case 'working':
      return {
        status: 'outdated',
        message: `Switched, but not to the desired state. ${blocker.message}`,
        checkedAt,
        next: blocker.next,
      };
    case 'error':
      return {
        status: 'outdated',
        message: `Switched, but it can’t be compared with the desired state. ${blocker.message}`,
        checkedAt,
        next: blocker.next,
      };
    case 'unknown':
    case 'ok':
      return {
        status: 'unknown',
        message: `Switched. Whether this is the desired state is not known. ${blocker.message}`,
        checkedAt,
        next: null,
      };
  }
}

function judgeTests({ host }: CompartmentInput, git: Judged, lock: Judged, system: Judged): Judged {
  const report = host.tests;
  if (!report || report.status === 'unknown') {
    return {
      status: 'unknown',
      message: report?.message || 'No test result for this host yet.',
      checkedAt: report?.at ?? null,
      next: 'test',
    };
  }
  const checkedAt = report.at;
  if (!isSame(report.generation, host.generation)) {
    return {
      status: 'outdated',
      message: `Tested at ${shortCommit(report.generation) || 'an unknown commit'}, not at ${shortCommit(host.generation) || 'the current commit'}.`,
      checkedAt,
      next: 'test',
    };
  }
  if (report.status !== 'ok') {
    const failed = report.status === 'error';
    const message = report.message || (failed ? 'The tests failed.' : 'The tests have to be run again.');
    return { status: failed ? 'error' : 'outdated', message, checkedAt, next: 'test' };
  }
  const blocker = blockerOf(git, lock) ?? (system.status === 'ok' ? null : system);
  if (!blocker) return { status: 'ok', message: report.message || 'The tests passed.', checkedAt, next: null };
  return blocker.status === 'unknown'
    ? {
        status: 'unknown',
        message: `Passed. Whether this is the desired state is not known. ${blocker.message}`,
        checkedAt,
        next: null,
      }
    : {
        status: 'outdated',
        message: `Passed, but not for the desired state. ${blocker.message}`,
        checkedAt,
        next: blocker.next,
      };
}

function fromReport(report: CompartmentReport | null, missing: string, next: OperationId): Judged {
  if (!report) return { status: 'unknown', message: missing, checkedAt: null, next: null };
  return {
    status: report.status,
    message: report.message || missing,
    checkedAt: report.at,
    next: report.status === 'ok' ? null : next,
  };
}
