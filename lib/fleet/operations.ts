/**
 * The table of operations: everything that can be done to a host, defined once. Pages, actions, the command lifecycle
 * and the tests read it; nothing repeats it. Wire names and ends: agent protocol, sections 2, 4 and 7.
 */
import type { WireCommand } from '@/lib/protocol/agent';
import type { HostView, OperationId } from '@/lib/protocol/live';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** What has to be seen before a command of this operation has ended (agent protocol 7.3). */
export type EndRule =
  /** A status frame, then a heartbeat that no longer shows it. */
  | 'status'
  /** As 7.5: status and reconnect, or facts where there was no status. */
  | 'switch'
  /** The agent comes back with a new connection; there never is a status. */
  | 'reconnect'
  /** The command that it acts upon has ended. */
  | 'target'
  /** The dashboard does it itself, at once. */
  | 'immediate';

/** Why an operation can't be done now. */
export interface Blocked {
  code: string;
  /** A sentence for the operator. */
  reason: string;
  /** The operation that would unblock it. */
  unblock: OperationId | null;
  /** The operator may go ahead all the same. */
  forceable: boolean;
}

/** The facts of a host that preconditions look at: a part of what pages show, so that both judge alike. */
export type HostFacts = Pick<
  HostView,
  'name' | 'online' | 'compartments' | 'command' | 'control' | 'own' | 'foreignCommand' | 'protocol'
>;

type Precondition = (facts: HostFacts) => Blocked | null;

export interface Operation {
  id: OperationId;
  /** As on a button. */
  label: string;
  /** What it does, as a sentence. */
  description: string;
  runs: 'agent' | 'dashboard';
  /** What it is done to: one host, or the fleet as a whole (then it can't be sent to a host). */
  scope: 'host' | 'fleet';
  /** What goes on the wire to an agent; null for the dashboard's own. */
  wire: { kind: 'command'; command: WireCommand } | { kind: 'kill'; signal: 'SIGTERM' | 'SIGKILL' } | null;
  ends: EndRule;
  /** May be sent while another command runs. */
  bypassesBusy: boolean;
  preconditions: readonly Precondition[];
  /** After exit 0, the fact that has to hold for "succeeded"; otherwise the end is "partial". */
  postCheck: 'git-current' | 'system-current' | null;
  /** The operator is asked what to do after this long. */
  warnAfterMs: number;
  /** It ends as timed out after this long. */
  hardAfterMs: number;
  /** How long an agent may take to come back where the end needs a new connection. */
  reconnectWithinMs: number;
  /** May wait for a host that is offline, and be done when it is back. */
  queueable: boolean;
  /** Needs a fresh code (or the password where no second factor is set up): on each host, or on several at once. */
  needsStepUp: 'never' | 'always' | 'bulk';
  /** Asks for a second look before it is sent. */
  confirms: boolean;
  /** May be put on the wire (or done by the dashboard) again when nobody can know whether it was done. */
  mayRepeat: boolean;
}

const online: Precondition = (facts) =>
  facts.online ? null : { code: 'offline', reason: `${facts.name} is offline.`, unblock: null, forceable: false };

/** Version-1 agents poll, know no protocol of ours, and are given one command alone. */
const modern: Precondition = (facts) =>
  facts.protocol === 1
    ? {
        code: 'version-1',
        reason: `${facts.name} has a version-1 agent, which can do nothing but pull and switch: that replaces it.`,
        unblock: 'pull-switch',
        forceable: false,
      }
    : null;

/** What keeps a host from taking an operation that waits its turn, or null. */
export const busyWith: Precondition = (facts) => {
  const busyWith = facts.command ?? facts.control;
  if (busyWith) {
    return {
      code: 'busy',
      reason: `${facts.name} is busy: ${OPERATIONS[busyWith.operation].label} is under way.`,
      unblock: facts.command && !facts.control ? 'stop' : null,
      forceable: false,
    };
  }
  if (facts.foreignCommand !== '') {
    return {
      code: 'agent-busy',
      reason: `The agent of ${facts.name} says that it is still running "${facts.foreignCommand}".`,
      unblock: 'stop',
      forceable: false,
    };
  }
  return null;
};

const idle = busyWith;

const somethingRuns: Precondition = (facts) =>
  facts.command || facts.foreignCommand !== ''
    ? null
    : { code: 'idle', reason: `Nothing is running on ${facts.name}.`, unblock: null, forceable: false };

const noControlUnderWay: Precondition = (facts) =>
  facts.control
    ? {
        code: 'busy',
        reason: `${OPERATIONS[facts.control.operation].label} is already under way on ${facts.name}.`,
        unblock: null,
        forceable: false,
      }
    : null;

const pulled: Precondition = (facts) => {
  const { git, lock } = facts.compartments;
  const behind = git.status === 'outdated' ? git : lock.status === 'outdated' ? lock : null;
  return behind
    ? {
        code: 'behind',
        reason: `${facts.name} does not have the desired configuration yet: ${behind.message}`,
        unblock: 'pull',
        forceable: true,
      }
    : null;
};

const notOnline: Precondition = (facts) =>
  facts.online
    ? {
        code: 'online',
        reason: `${facts.name} is online and would come back at once. Stop its agent first.`,
        unblock: null,
        forceable: false,
      }
    : null;

/** The dashboard does one thing at a time about a host. */
const nothingOwn: Precondition = (facts) =>
  facts.own
    ? {
        code: 'busy',
        reason: `The dashboard is at work on ${facts.name}: ${OPERATIONS[facts.own.operation].label} is under way.`,
        unblock: null,
        forceable: false,
      }
    : null;

const nothingUnfinished: Precondition = (facts) => {
  const unfinished = facts.command ?? facts.control;
  return unfinished
    ? {
        code: 'unfinished',
        reason: `${OPERATIONS[unfinished.operation].label} on ${facts.name} has not ended: how it went would never be known.`,
        unblock: null,
        forceable: true,
      }
    : null;
};

/** What most operations have in common: run by the agent, one at a time, ended by its status. */
const byAgent = {
  runs: 'agent',
  scope: 'host',
  ends: 'status',
  bypassesBusy: false,
  preconditions: [modern, online, idle],
  postCheck: null,
  warnAfterMs: 5 * MINUTE_MS,
  hardAfterMs: 10 * MINUTE_MS,
  reconnectWithinMs: 3 * MINUTE_MS,
  queueable: false,
  needsStepUp: 'never',
  confirms: false,
  mayRepeat: false,
} as const satisfies Partial<Operation>;

/** Acts upon what runs, so it can't wait for it. */
const control = {
  ...byAgent,
  bypassesBusy: true,
  warnAfterMs: 30 * SECOND_MS,
  hardAfterMs: 60 * SECOND_MS,
} as const satisfies Partial<Operation>;

/** Looks and changes nothing, so that it may be sent again. */
const look = {
  ...byAgent,
  warnAfterMs: MINUTE_MS,
  hardAfterMs: 3 * MINUTE_MS,
  mayRepeat: true,
} as const satisfies Partial<Operation>;

const byDashboard = {
  ...byAgent,
  runs: 'dashboard',
  ends: 'immediate',
  wire: null,
  preconditions: [nothingOwn],
  warnAfterMs: 30 * SECOND_MS,
  hardAfterMs: 2 * MINUTE_MS,
} as const satisfies Partial<Operation>;

const command = (name: WireCommand) => ({ kind: 'command', command: name }) as const;

export const OPERATIONS: Readonly<Record<OperationId, Operation>> = {
  pull: {
    ...byAgent,
    id: 'pull',
    label: 'Pull',
    description: 'Fetches the configuration repository and resets the host’s clone to the branch.',
    wire: command('pull'),
    queueable: true,
    postCheck: 'git-current',
    warnAfterMs: 2 * MINUTE_MS,
    hardAfterMs: 5 * MINUTE_MS,
  },
  switch: {
    ...byAgent,
    id: 'switch',
    label: 'Switch',
    description: 'Builds the configuration that was pulled and activates it.',
    wire: command('switch'),
    queueable: true,
    ends: 'switch',
    preconditions: [modern, online, idle, pulled],
    warnAfterMs: 10 * MINUTE_MS,
    hardAfterMs: 30 * MINUTE_MS,
  },
  'pull-switch': {
    ...byAgent,
    id: 'pull-switch',
    label: 'Pull and switch',
    description: 'Pulls, and switches when that went well.',
    wire: command('pull-switch'),
    queueable: true,
    preconditions: [online, idle],
    ends: 'switch',
    warnAfterMs: 12 * MINUTE_MS,
    hardAfterMs: 35 * MINUTE_MS,
  },
  test: {
    ...byAgent,
    id: 'test',
    label: 'Test',
    description: 'Runs the host’s test scripts from the configuration repository.',
    wire: command('test'),
    queueable: true,
  },
  rollback: {
    ...byAgent,
    id: 'rollback',
    label: 'Roll back',
    description: 'Goes back to the system generation before the present one.',
    wire: command('rollback'),
    hardAfterMs: 15 * MINUTE_MS,
    needsStepUp: 'bulk',
    confirms: true,
  },
  update: {
    ...byAgent,
    id: 'update',
    label: 'Update inputs',
    description: 'Updates flake.lock in the host’s clone. The next pull takes that back.',
    wire: command('update'),
  },
  stop: {
    ...control,
    id: 'stop',
    label: 'Stop',
    description: 'Asks the running command to end.',
    wire: command('stop'),
    ends: 'target',
    preconditions: [modern, online, somethingRuns, noControlUnderWay],
  },
  kill: {
    ...control,
    id: 'kill',
    label: 'Kill',
    description: 'Ends the running command by force.',
    wire: { kind: 'kill', signal: 'SIGKILL' },
    ends: 'target',
    preconditions: [modern, online, somethingRuns, noControlUnderWay],
    confirms: true,
  },
  restart: {
    ...control,
    id: 'restart',
    label: 'Restart agent',
    description: 'Ends the agent; the host’s service manager starts it again.',
    wire: command('restart'),
    ends: 'reconnect',
    preconditions: [modern, online, noControlUnderWay],
    hardAfterMs: 3 * MINUTE_MS,
  },
  reboot: {
    ...control,
    id: 'reboot',
    label: 'Reboot',
    description: 'Reboots the host at once. What runs on it ends, and nobody reaches it until it is up again.',
    wire: command('reboot'),
    ends: 'reconnect',
    preconditions: [modern, online, noControlUnderWay],
    // To go down: a host that stays has failed to reboot, and says so in its output alone (agent protocol 4).
    warnAfterMs: MINUTE_MS,
    hardAfterMs: 5 * MINUTE_MS,
    // To come back.
    reconnectWithinMs: 15 * MINUTE_MS,
    needsStepUp: 'always',
    confirms: true,
  },
  'check-version': {
    ...look,
    id: 'check-version',
    label: 'Check agent version',
    description: 'Compares the running agent with the installed one.',
    wire: command('check-version'),
  },
  'refresh-git': {
    ...look,
    id: 'refresh-git',
    label: 'Refresh Git status',
    description: 'Fetches the desired state again and asks the host for its facts.',
    wire: command('refresh-git'),
  },
  'refresh-lock': {
    ...look,
    id: 'refresh-lock',
    label: 'Refresh lock status',
    description: 'Asks the host for the state of its flake.lock.',
    wire: command('refresh-lock'),
  },
  'refresh-system': {
    ...look,
    id: 'refresh-system',
    label: 'Check system',
    description: 'Evaluates on the host whether a switch would change anything. Takes up to a minute of its processor.',
    wire: command('refresh-system'),
  },
  'refresh-all': {
    ...look,
    id: 'refresh-all',
    label: 'Refresh all',
    description: 'Asks the host for all facts that are cheap to get.',
    wire: command('refresh-all'),
  },
  'force-update': {
    ...byAgent,
    id: 'force-update',
    label: 'Force agent update',
    description: 'Updates the agent’s flake input on the host and rebuilds without the binary cache’s old answers.',
    wire: command('force-update'),
    queueable: true,
    warnAfterMs: 12 * MINUTE_MS,
    hardAfterMs: 35 * MINUTE_MS,
    confirms: true,
  },
  'merge-pr': {
    ...byDashboard,
    id: 'merge-pr',
    label: 'Merge flake update',
    description: 'Merges the open pull request that updates flake.lock.',
    scope: 'fleet',
    preconditions: [],
    confirms: true,
  },
  'set-color': {
    ...byDashboard,
    id: 'set-color',
    label: 'Change colour',
    description: 'Sets the host’s colour, or leaves it to its agent again.',
  },
  'remove-host': {
    ...byDashboard,
    id: 'remove-host',
    label: 'Remove host',
    description: 'Forgets the host and everything that is known of it.',
    preconditions: [notOnline, nothingOwn, nothingUnfinished],
    // A host may have gigabytes of output, which go in small steps.
    warnAfterMs: 10 * MINUTE_MS,
    hardAfterMs: 30 * MINUTE_MS,
    mayRepeat: true,
    needsStepUp: 'always',
    confirms: true,
  },
  'add-host': {
    ...byDashboard,
    id: 'add-host',
    label: 'Add host',
    description: 'Makes a host known before its agent connects.',
    scope: 'fleet',
    preconditions: [],
  },
};

/** The first reason why an operation can't be done on a host now, or null. With `force`, only what can't be forced. */
export function checkOperation(operation: Operation, facts: HostFacts, force = false): Blocked | null {
  for (const precondition of operation.preconditions) {
    const blocked = precondition(facts);
    if (blocked && !(force && blocked.forceable)) return blocked;
  }
  return null;
}

/**
 * The lanes of a host: one command of each runs at a time. `active`: what the host is busy with; `control`: what acts
 * upon that; `own`: what the dashboard does itself, which the host does not notice.
 */
export type Lane = 'active' | 'control' | 'own';

export function laneOf({ runs, bypassesBusy }: Operation): Lane {
  if (runs === 'dashboard') return 'own';
  return bypassesBusy ? 'control' : 'active';
}

/** Whether it is something that the host did, and not what was done about it or to another command. */
export function isDoneByHost({ runs, ends }: Operation): boolean {
  return runs === 'agent' && ends !== 'target';
}

/** Whether an operation on this many hosts needs a fresh proof of who asks. */
export function requiresStepUp(id: OperationId, hostCount: number): boolean {
  const { needsStepUp } = OPERATIONS[id];
  return needsStepUp === 'always' || (needsStepUp === 'bulk' && hostCount > 1);
}

/** Why an operation that needs a fresh proof is refused without one. */
export function stepUpMissing(id: OperationId): Blocked {
  const reason = `${OPERATIONS[id].label} needs a fresh code from your authenticator app, or your password where there is none.`;
  return { code: 'step-up-required', reason, unblock: null, forceable: false };
}

/** The operation that goes by this name on the wire, e.g. of a status frame; null for an unknown one. */
export function operationOfWire(name: string): Operation | null {
  return (
    Object.values(OPERATIONS).find(
      (operation) => operation.wire?.kind === 'command' && operation.wire.command === name,
    ) ?? null
  );
}
