/** Records and views for tests: a healthy host, and the differences from it. */
import { newCommand } from '../commands/dispatch';
import type { CommandState } from '../records/command-state';
import { NO_DESIRED_STATE, type DesiredSource, type DesiredState, type HostRelation } from '../hosts/desired';
import { newHost } from '../hosts/host';
import { hostView } from '../hosts/host-views';
import type { CommandRecord } from '../records/command-record';
import type { HostRecord } from '../records/host-record';
import { COMPARTMENT_NAMES } from '@/lib/protocol/compartment-names';
import type { CompartmentView } from '@/lib/protocol/live/views/compartment-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

/** 2027-01-15T08:00:00Z. */
export const T0 = 1_800_000_000_000;
export const SECOND = 1_000;
export const MINUTE = 60_000;

export const COMMIT = '3c9a808aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';

export function sampleHost(changes: Partial<HostRecord> = {}): HostRecord {
  return { ...newHost('h1', 'h1', T0), ...changes };
}

export function sampleDesired(changes: Partial<DesiredState> = {}): DesiredState {
  return {
    ...NO_DESIRED_STATE,
    source: 'git',
    branch: 'main',
    commit: COMMIT,
    message: 'flake: update',
    lockHash: 'lock-a',
    fetchedAt: T0,
    ...changes,
  };
}

export function sampleSource(
  state: DesiredState = sampleDesired(),
  relation: HostRelation = { relation: 'equal', commits: null },
): DesiredSource {
  return { state, relate: () => relation, subscribe: () => () => undefined, refresh: () => Promise.resolve() };
}

export function sampleCommand(
  operation: OperationId,
  state: CommandState,
  changes: Partial<CommandRecord> = {},
): CommandRecord {
  const by = { userId: 'u1', userName: 'operator', address: '127.0.0.1' };
  return {
    ...newCommand({ operation, requestId: 'r1', by }, 'h1', `${operation}-1`, T0),
    state,
    outcome: state.phase === 'ended' ? state.outcome : null,
    ...changes,
  };
}

export const RUNNING: CommandState = {
  phase: 'running',
  sentAt: T0,
  before: { generation: '3c9a808', storePath: '', binaryHash: '' },
  deadline: T0 + MINUTE,
  hardDeadline: T0 + 5 * MINUTE,
  heard: true,
  accepted: false,
  quiet: 0,
  progress: null,
};

/** The view of a host that is online, idle and green. */
export function sampleView(changes: Partial<HostView> = {}): HostView {
  const parts = {
    active: null,
    control: null,
    dashboardCommand: null,
    queue: [],
    last: null,
    foreignCommand: '',
    notice: '',
  };
  const view = hostView({ record: sampleHost(), online: true, ...parts }, sampleSource(), '4.0.0');
  const green: CompartmentView = { status: 'ok', message: 'As it should be.', checkedAt: T0, next: null };
  const [agent, git, lock, system, tests] = COMPARTMENT_NAMES.map(() => ({ ...green }));
  if (!agent || !git || !lock || !system || !tests) throw new Error('five compartments');
  return { ...view, compartments: { agent, git, lock, system, tests }, ...changes };
}
