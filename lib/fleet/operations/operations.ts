/**
 * The table of operations: everything that can be done to a host, defined once. Pages, actions, the command lifecycle
 * and the tests read it; nothing repeats it. Wire names and ends: agent protocol, sections 2, 4 and 7.
 */
import type { WireCommand } from '@/lib/protocol/agent';
import type { OperationId } from '@/lib/protocol/live';
import type { Operation } from './operation';
import { OPERATION_WORDS } from './operation-words';
import {
  busyWith,
  modern,
  noControlUnderWay,
  dashboardIdle,
  nothingUnfinished,
  notOnline,
  online,
  pulled,
  somethingRuns,
} from './preconditions';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** What most operations have in common: run by the agent, one at a time, ended by its status. */
const byAgent = {
  runs: 'agent',
  scope: 'host',
  ends: 'status',
  bypassesBusy: false,
  preconditions: [modern, online, busyWith],
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
  preconditions: [dashboardIdle],
  warnAfterMs: 30 * SECOND_MS,
  hardAfterMs: 2 * MINUTE_MS,
} as const satisfies Partial<Operation>;

const command = (name: WireCommand) => ({ kind: 'command', command: name }) as const;

export const OPERATIONS: Readonly<Record<OperationId, Operation>> = {
  pull: {
    ...byAgent,
    id: 'pull',
    label: OPERATION_WORDS.pull.label,
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
    label: OPERATION_WORDS.switch.label,
    description: 'Builds the configuration that was pulled and activates it.',
    wire: command('switch'),
    queueable: true,
    ends: 'switch',
    preconditions: [modern, online, busyWith, pulled],
    warnAfterMs: 10 * MINUTE_MS,
    hardAfterMs: 30 * MINUTE_MS,
  },
  'pull-switch': {
    ...byAgent,
    id: 'pull-switch',
    label: OPERATION_WORDS['pull-switch'].label,
    description: 'Pulls, and switches when that went well.',
    wire: command('pull-switch'),
    queueable: true,
    preconditions: [online, busyWith],
    ends: 'switch',
    warnAfterMs: 12 * MINUTE_MS,
    hardAfterMs: 35 * MINUTE_MS,
  },
  test: {
    ...byAgent,
    id: 'test',
    label: OPERATION_WORDS.test.label,
    description: 'Runs the host’s test scripts from the configuration repository.',
    wire: command('test'),
    queueable: true,
  },
  rollback: {
    ...byAgent,
    id: 'rollback',
    label: OPERATION_WORDS.rollback.label,
    description: 'Goes back to the system generation before the present one.',
    wire: command('rollback'),
    hardAfterMs: 15 * MINUTE_MS,
    needsStepUp: 'bulk',
    confirms: true,
  },
  update: {
    ...byAgent,
    id: 'update',
    label: OPERATION_WORDS.update.label,
    description: 'Updates flake.lock in the host’s clone. The next pull takes that back.',
    wire: command('update'),
  },
  stop: {
    ...control,
    id: 'stop',
    label: OPERATION_WORDS.stop.label,
    description: 'Asks the running command to end.',
    wire: command('stop'),
    ends: 'target',
    preconditions: [modern, online, somethingRuns, noControlUnderWay],
  },
  kill: {
    ...control,
    id: 'kill',
    label: OPERATION_WORDS.kill.label,
    description: 'Ends the running command by force.',
    wire: { kind: 'kill', signal: 'SIGKILL' },
    ends: 'target',
    preconditions: [modern, online, somethingRuns, noControlUnderWay],
    confirms: true,
  },
  restart: {
    ...control,
    id: 'restart',
    label: OPERATION_WORDS.restart.label,
    description: 'Ends the agent; the host’s service manager starts it again.',
    wire: command('restart'),
    ends: 'reconnect',
    preconditions: [modern, online, noControlUnderWay],
    hardAfterMs: 3 * MINUTE_MS,
  },
  reboot: {
    ...control,
    id: 'reboot',
    label: OPERATION_WORDS.reboot.label,
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
    label: OPERATION_WORDS['check-version'].label,
    description: 'Compares the running agent with the installed one.',
    wire: command('check-version'),
  },
  'refresh-git': {
    ...look,
    id: 'refresh-git',
    label: OPERATION_WORDS['refresh-git'].label,
    description: 'Fetches the desired state again and asks the host for its facts.',
    wire: command('refresh-git'),
  },
  'refresh-lock': {
    ...look,
    id: 'refresh-lock',
    label: OPERATION_WORDS['refresh-lock'].label,
    description: 'Asks the host for the state of its flake.lock.',
    wire: command('refresh-lock'),
  },
  'refresh-system': {
    ...look,
    id: 'refresh-system',
    label: OPERATION_WORDS['refresh-system'].label,
    description: 'Evaluates on the host whether a switch would change anything. Takes up to a minute of its processor.',
    wire: command('refresh-system'),
  },
  'refresh-all': {
    ...look,
    id: 'refresh-all',
    label: OPERATION_WORDS['refresh-all'].label,
    description: 'Asks the host for all facts that are cheap to get.',
    wire: command('refresh-all'),
  },
  'force-update': {
    ...byAgent,
    id: 'force-update',
    label: OPERATION_WORDS['force-update'].label,
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
    label: OPERATION_WORDS['merge-pr'].label,
    description: 'Merges the open pull request that updates flake.lock.',
    scope: 'fleet',
    preconditions: [],
    confirms: true,
  },
  'set-color': {
    ...byDashboard,
    id: 'set-color',
    label: OPERATION_WORDS['set-color'].label,
    description: 'Sets the host’s colour, or leaves it to its agent again.',
  },
  'remove-host': {
    ...byDashboard,
    id: 'remove-host',
    label: OPERATION_WORDS['remove-host'].label,
    description: 'Forgets the host and everything that is known of it.',
    preconditions: [notOnline, dashboardIdle, nothingUnfinished],
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
    label: OPERATION_WORDS['add-host'].label,
    description: 'Makes a host known before its agent connects.',
    scope: 'fleet',
    preconditions: [],
  },
};
