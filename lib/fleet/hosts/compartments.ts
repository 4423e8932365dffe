/**
 * The five compartments of a host, judged on the dashboard: green only with proof, an empty value proves nothing, a
 * word of the agent holds for the generation it was said of, and what can't be compared with the desired state is not
 * called current. One pure function; its test is a table of cases.
 */
import type { CompartmentName, CompartmentView, OperationId } from '@/lib/protocol/live';
import { plainText } from '@/lib/text/plain-text';
import { sameCommit, type DesiredState, type HostRelation } from './desired';
import type { HostRecord, ReportedWord } from '../records/host-record';

export interface CompartmentInput {
  host: Pick<
    HostRecord,
    'agentVersion' | 'protocol' | 'generation' | 'lockHash' | 'lock' | 'system' | 'tests' | 'lastSeenAt'
  >;
  desired: DesiredState;
  relation: HostRelation;
  /** The version of this dashboard and of the agent that belongs to it. */
  version: string;
  /** The operation that is under way on the host. */
  running: OperationId | null;
}

type Judged = CompartmentView;

/** Not just cut: what an agent calls its commit may be any text, and half a character is none. */
const short = (commit: string) => plainText(commit, 7);
/** Agents of different generations write ids of different lengths; what is no commit id has to be the same text. */
const isSame = (a: string, b: string) => a === b || sameCommit(a, b);
const plural = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;

/** What each operation works on, while it runs. */
const WORKS_ON: Readonly<Record<OperationId, readonly CompartmentName[]>> = {
  pull: ['git'],
  switch: ['system'],
  'pull-switch': ['git', 'system'],
  test: ['tests'],
  rollback: ['system'],
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
      message: `Under way. Before: ${judged[name].message}`,
      next: null,
    };
  }
  return judged;
}

function judgeAgent({ host, version }: CompartmentInput): Judged {
  const checkedAt = host.lastSeenAt;
  if (host.protocol === 1) {
    const version = host.agentVersion === '' ? '' : ` ${host.agentVersion}`;
    const message =
      `Version-1 agent${version}: it can only be replaced. Put the agent of this dashboard into the host’s ` +
      'configuration, then let it pull and switch.';
    return { status: 'outdated', message, checkedAt, next: 'pull-switch' };
  }
  if (host.agentVersion === '') {
    return { status: 'unknown', message: 'The agent has not said its version yet.', checkedAt, next: null };
  }
  if (host.agentVersion === version) {
    return { status: 'ok', message: `Agent ${version}, as the dashboard.`, checkedAt, next: null };
  }
  const older = host.protocol < 3 ? ' It is of the earlier generation: results can be lost while it is offline.' : '';
  return {
    status: 'outdated',
    message: `Agent ${host.agentVersion}; this dashboard brings ${version}.${older}`,
    checkedAt,
    next: 'check-version',
  };
}

/** What stands in the way of any comparison with the desired state; null when there is one. */
function incomparable(desired: DesiredState): Judged | null {
  const checkedAt = desired.fetchedAt;
  if (desired.source === 'none') {
    return { status: 'unknown', message: 'No desired state is configured to compare with.', checkedAt, next: null };
  }
  if (desired.error) {
    return {
      status: 'error',
      message: `The desired state can’t be fetched: ${desired.error.message}`,
      checkedAt,
      next: 'refresh-git',
    };
  }
  if (desired.commit === '') {
    return { status: 'unknown', message: 'The desired state was not fetched yet.', checkedAt, next: null };
  }
  return null;
}

function judgeGit({ host, desired, relation }: CompartmentInput): Judged {
  const blocked = incomparable(desired);
  if (blocked) return blocked;
  const checkedAt = desired.fetchedAt;
  if (host.generation === '') {
    return { status: 'unknown', message: 'The host has not said which commit it has.', checkedAt, next: 'pull' };
  }
  const [has, wanted] = [short(host.generation), short(desired.commit)];
  const about = desired.message === '' ? '' : `: ${desired.message}`;
  const count = relation.commits === null ? '' : ` ${plural(relation.commits, 'commit')}`;
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
        message: `Behind by${count || ' some commits'} (${has} → ${wanted})${about}`,
        checkedAt,
        next: 'pull',
      };
    case 'diverged':
      return {
        status: 'outdated',
        message: `At ${has}, which is not part of the branch (${wanted}).`,
        checkedAt,
        next: 'pull',
      };
    case 'differs':
      return { status: 'outdated', message: `Differs (${has}, desired ${wanted})${about}`, checkedAt, next: 'pull' };
    case 'unknown':
      return { status: 'unknown', message: `At ${has}, which the repository does not know.`, checkedAt, next: 'pull' };
  }
}

function judgeLock({ host, desired, relation }: CompartmentInput): Judged {
  if (desired.source === 'none')
    return fromWord(host.lock, 'The host has not said anything about its flake.lock.', 'update');
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
      message: 'The host has no flake.lock, or has not said its hash.',
      checkedAt,
      next: 'pull',
    };
  }
  if (host.lockHash === desired.lockHash) {
    return { status: 'ok', message: 'flake.lock is the desired one.', checkedAt, next: null };
  }
  if (relation.relation === 'ahead') {
    return { status: 'ok', message: 'flake.lock is of a newer commit than the desired one.', checkedAt, next: null };
  }
  return { status: 'outdated', message: 'flake.lock is not the desired one.', checkedAt, next: 'pull' };
}

/** The first of Git and Lock that is not green, when a green below it has to be taken back. */
function gate(git: Judged, lock: Judged): Judged | null {
  if (git.status !== 'ok') return git;
  return lock.status !== 'ok' ? lock : null;
}

function judgeSystem({ host }: CompartmentInput, git: Judged, lock: Judged): Judged {
  const word = host.system;
  const closed = gate(git, lock);
  const checkedAt = word?.at ?? null;
  if (!word || word.status === 'unknown') {
    if (closed && closed.status !== 'unknown') {
      return {
        status: 'outdated',
        message: `Not known to be current: ${closed.message}`,
        checkedAt,
        next: closed.next,
      };
    }
    return {
      status: 'unknown',
      message: word?.message || 'Nothing proves what the system runs.',
      checkedAt,
      next: 'refresh-system',
    };
  }
  if (word.status === 'error')
    return { status: 'error', message: word.message || 'The last switch failed.', checkedAt, next: 'switch' };
  if (word.status !== 'ok')
    return { status: 'outdated', message: word.message || 'Needs a switch.', checkedAt, next: 'switch' };
  if (word.generation === '') {
    return {
      status: 'unknown',
      message: 'The host said so without saying of which commit.',
      checkedAt,
      next: 'refresh-system',
    };
  }
  if (host.generation !== '' && !isSame(word.generation, host.generation)) {
    return {
      status: 'outdated',
      message: `Runs ${short(word.generation)}; ${short(host.generation)} is pulled and waits for a switch.`,
      checkedAt,
      next: 'switch',
    };
  }
  if (!closed)
    return { status: 'ok', message: word.message || 'The system is the desired one.', checkedAt, next: null };
  switch (closed.status) {
    case 'outdated':
    case 'working':
      return {
        status: 'outdated',
        message: `Switched, but not to the desired state: ${closed.message}`,
        checkedAt,
        next: closed.next,
      };
    case 'error':
      return {
        status: 'outdated',
        message: `Switched, but that can’t be compared: ${closed.message}`,
        checkedAt,
        next: closed.next,
      };
    case 'unknown':
    case 'ok':
      return {
        status: 'unknown',
        message: `Switched, but whether to the desired state is not known: ${closed.message}`,
        checkedAt,
        next: null,
      };
  }
}

function judgeTests({ host }: CompartmentInput, git: Judged, lock: Judged, system: Judged): Judged {
  const word = host.tests;
  if (!word || word.status === 'unknown') {
    return {
      status: 'unknown',
      message: word?.message || 'No test result for this host yet.',
      checkedAt: word?.at ?? null,
      next: 'test',
    };
  }
  const checkedAt = word.at;
  if (!isSame(word.generation, host.generation)) {
    return {
      status: 'outdated',
      message: `Tested at ${short(word.generation) || 'an unknown commit'}, not at ${short(host.generation) || 'this one'}.`,
      checkedAt,
      next: 'test',
    };
  }
  if (word.status !== 'ok') {
    const failed = word.status === 'error';
    const message = word.message || (failed ? 'The tests failed.' : 'The tests have to be run again.');
    return { status: failed ? 'error' : 'outdated', message, checkedAt, next: 'test' };
  }
  const closed = gate(git, lock) ?? (system.status === 'ok' ? null : system);
  if (!closed) return { status: 'ok', message: word.message || 'The tests passed.', checkedAt, next: null };
  return closed.status === 'unknown'
    ? {
        status: 'unknown',
        message: `Passed, but not known to be of the desired state: ${closed.message}`,
        checkedAt,
        next: null,
      }
    : {
        status: 'outdated',
        message: `Passed, but not for the desired state: ${closed.message}`,
        checkedAt,
        next: closed.next,
      };
}

function fromWord(word: ReportedWord | null, silence: string, next: OperationId): Judged {
  if (!word) return { status: 'unknown', message: silence, checkedAt: null, next: null };
  return {
    status: word.status,
    message: word.message || silence,
    checkedAt: word.at,
    next: word.status === 'ok' ? null : next,
  };
}
