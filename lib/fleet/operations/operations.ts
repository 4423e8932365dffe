/**
 * The table of operations: everything that can be done to a host, defined once. Pages, actions, the command lifecycle
 * and the tests read it; nothing repeats it. Wire names and ends: `docs/protocol.md`.
 */
import type { Operation } from './operation';
import { OPERATION_WORDS } from './operation-words';
import {
  notBusy,
  noControlRunning,
  noDashboardOperation,
  noUnendedCommand,
  offline,
  online,
  pulled,
  hasRunningCommand,
} from './preconditions';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { WireCommand } from '@/lib/protocol/agent/wire-commands';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** The defaults: run by the agent, one at a time, ended by its status frame. */
const byAgent = {
  runs: 'agent',
  scope: 'host',
  ends: 'status',
  bypassesBusy: false,
  preconditions: [online, notBusy],
  postCheck: null,
  warnAfterMs: 5 * MINUTE_MS,
  hardAfterMs: 10 * MINUTE_MS,
  reconnectWithinMs: 3 * MINUTE_MS,
  queueable: false,
  needsStepUp: 'never',
  confirms: false,
  mayOutliveAgent: false,
  mayRepeat: false,
} as const satisfies Partial<Operation>;

/** Acts on the running command, so it can't wait for that to end. */
const control = {
  ...byAgent,
  bypassesBusy: true,
  warnAfterMs: 30 * SECOND_MS,
  hardAfterMs: 60 * SECOND_MS,
} as const satisfies Partial<Operation>;

/** Reads facts and changes nothing, so it may be sent again. */
const readOnly = {
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
  needs: [],
  preconditions: [noDashboardOperation],
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
    needs: ['pull'],
    queueable: true,
    postCheck: 'git-current',
    warnAfterMs: 2 * MINUTE_MS,
    hardAfterMs: 5 * MINUTE_MS,
  },
  switch: {
    ...byAgent,
    id: 'switch',
    label: OPERATION_WORDS.switch.label,
    description: 'Builds the pulled configuration and activates it.',
    wire: command('switch'),
    needs: ['switch'],
    queueable: true,
    ends: 'switch',
    preconditions: [online, notBusy, pulled],
    mayOutliveAgent: true,
    warnAfterMs: 10 * MINUTE_MS,
    hardAfterMs: 30 * MINUTE_MS,
  },
  'pull-switch': {
    ...byAgent,
    id: 'pull-switch',
    label: OPERATION_WORDS['pull-switch'].label,
    description: 'Pulls, then switches if the pull succeeded.',
    wire: command('pull-switch'),
    needs: ['pull-switch'],
    queueable: true,
    ends: 'switch',
    mayOutliveAgent: true,
    warnAfterMs: 12 * MINUTE_MS,
    hardAfterMs: 35 * MINUTE_MS,
  },
  test: {
    ...byAgent,
    id: 'test',
    label: OPERATION_WORDS.test.label,
    description: 'Runs the host’s test scripts from the configuration repository.',
    wire: command('test'),
    needs: ['test'],
    queueable: true,
  },
  rollback: {
    ...byAgent,
    id: 'rollback',
    label: OPERATION_WORDS.rollback.label,
    description: 'Activates the previous system generation.',
    wire: command('rollback'),
    needs: ['rollback'],
    mayOutliveAgent: true,
    hardAfterMs: 15 * MINUTE_MS,
    needsStepUp: 'bulk',
    confirms: true,
  },
  update: {
    ...byAgent,
    id: 'update',
    label: OPERATION_WORDS.update.label,
    description: 'Updates flake.lock in the host’s clone. The next pull undoes that.',
    wire: command('update'),
    needs: ['update'],
  },
  stop: {
    ...control,
    id: 'stop',
    label: OPERATION_WORDS.stop.label,
    description: 'Asks the running command to stop.',
    wire: command('stop'),
    needs: ['stop'],
    ends: 'target',
    preconditions: [online, hasRunningCommand, noControlRunning],
  },
  kill: {
    ...control,
    id: 'kill',
    label: OPERATION_WORDS.kill.label,
    description: 'Kills the running command.',
    wire: { kind: 'kill', signal: 'SIGKILL' },
    needs: ['kill'],
    ends: 'target',
    preconditions: [online, hasRunningCommand, noControlRunning],
    confirms: true,
  },
  restart: {
    ...control,
    id: 'restart',
    label: OPERATION_WORDS.restart.label,
    description: 'Ends the agent; the host’s service manager starts it again.',
    wire: command('restart'),
    needs: ['restart'],
    ends: 'reconnect',
    preconditions: [online, noControlRunning],
    hardAfterMs: 3 * MINUTE_MS,
  },
  reboot: {
    ...control,
    id: 'reboot',
    label: OPERATION_WORDS.reboot.label,
    description: 'Reboots the host at once. Everything on it stops, and it is unreachable until it is up again.',
    wire: command('reboot'),
    needs: ['reboot'],
    ends: 'reconnect',
    preconditions: [online, noControlRunning],
    // Time to go down. A host that fails to reboot reports that only in its output.
    warnAfterMs: MINUTE_MS,
    hardAfterMs: 5 * MINUTE_MS,
    // Time to come back.
    reconnectWithinMs: 15 * MINUTE_MS,
    needsStepUp: 'always',
    confirms: true,
  },
  'check-version': {
    ...readOnly,
    id: 'check-version',
    label: OPERATION_WORDS['check-version'].label,
    description: 'Compares the running agent with the installed one.',
    wire: command('check-version'),
    needs: ['check-version'],
  },
  'refresh-git': {
    ...readOnly,
    id: 'refresh-git',
    label: OPERATION_WORDS['refresh-git'].label,
    description: 'Fetches the desired state again and asks the host for its facts.',
    wire: command('refresh-git'),
    needs: ['refresh'],
  },
  'refresh-lock': {
    ...readOnly,
    id: 'refresh-lock',
    label: OPERATION_WORDS['refresh-lock'].label,
    description: 'Asks the host for the state of its flake.lock.',
    wire: command('refresh-lock'),
    needs: ['refresh'],
  },
  'refresh-system': {
    ...readOnly,
    id: 'refresh-system',
    label: OPERATION_WORDS['refresh-system'].label,
    description: 'Evaluates on the host whether a switch would change anything. Takes up to a minute of CPU time.',
    wire: command('refresh-system'),
    needs: ['refresh'],
  },
  'refresh-all': {
    ...readOnly,
    id: 'refresh-all',
    label: OPERATION_WORDS['refresh-all'].label,
    description: 'Asks the host for all facts that are cheap to collect.',
    wire: command('refresh-all'),
    needs: ['refresh'],
  },
  'force-update': {
    ...byAgent,
    id: 'force-update',
    label: OPERATION_WORDS['force-update'].label,
    description: 'Updates the agent’s flake input on the host and rebuilds with fresh lookups in the binary cache.',
    wire: command('force-update'),
    needs: ['force-update'],
    queueable: true,
    mayOutliveAgent: true,
    warnAfterMs: 12 * MINUTE_MS,
    hardAfterMs: 35 * MINUTE_MS,
    confirms: true,
  },
  boot: {
    ...byAgent,
    id: 'boot',
    label: OPERATION_WORDS.boot.label,
    description:
      'Builds the pulled configuration and makes it the system of the next boot. What runs now stays as it is.',
    wire: command('boot'),
    needs: ['boot'],
    queueable: true,
    preconditions: [online, notBusy, pulled],
    mayOutliveAgent: true,
    warnAfterMs: 10 * MINUTE_MS,
    hardAfterMs: 30 * MINUTE_MS,
  },
  'merge-pr': {
    ...byDashboard,
    id: 'merge-pr',
    label: OPERATION_WORDS['merge-pr'].label,
    description: 'Merges the open pull request that updates flake.lock.',
    scope: 'fleet',
    preconditions: [],
    needsStepUp: 'always',
    confirms: true,
  },
  'set-color': {
    ...byDashboard,
    id: 'set-color',
    label: OPERATION_WORDS['set-color'].label,
    description: 'Sets the host’s colour, or lets its agent set it again.',
  },
  'remove-host': {
    ...byDashboard,
    id: 'remove-host',
    label: OPERATION_WORDS['remove-host'].label,
    description: 'Removes the host and everything that is stored about it.',
    preconditions: [offline, noDashboardOperation, noUnendedCommand],
    // A host may have gigabytes of output, which are deleted in small steps.
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
    description: 'Adds a host before its agent connects.',
    scope: 'fleet',
    preconditions: [],
  },
};
