/** Sample views for tests, with defaults for all fields. */
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { CompartmentView } from '@/lib/protocol/live/views/compartment-view';
import type { FleetView } from '@/lib/protocol/live/views/fleet-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import { NO_FLAKE_UPDATES } from '@/lib/protocol/live/flake-update-constants';

const OK: CompartmentView = { status: 'ok', message: 'OK', checkedAt: 1_000, next: null };

export function aHost(id: string, change: Partial<HostView> = {}): HostView {
  return {
    id,
    name: id,
    type: 'nixos',
    online: true,
    lastSeenAt: 1_000,
    heartbeatIntervalS: 5,
    location: 'home',
    deviceType: 'server',
    themeColor: '#769ff0',
    themeColorPinned: false,
    agentVersion: '4.0.0',
    protocol: 3,
    missingCapabilities: [],
    hostsDashboard: false,
    confirmSwitches: 'default',
    policy: null,
    osVersion: '26.05',
    generation: '0123456789abcdef',
    repoUrl: '',
    note: '',
    compartments: { agent: OK, git: OK, lock: OK, system: OK, tests: OK },
    metrics: null,
    command: null,
    control: null,
    dashboardCommand: null,
    queue: [],
    lastCommand: null,
    foreignCommand: '',
    notice: '',
    ...change,
  };
}

export function withCompartments(
  id: string,
  change: Partial<Record<keyof HostView['compartments'], CompartmentView['status']>>,
  more: Partial<HostView> = {},
): HostView {
  const host = aHost(id, more);
  for (const name of ['agent', 'git', 'lock', 'system', 'tests'] as const) {
    const status = change[name];
    if (status) host.compartments = { ...host.compartments, [name]: { ...OK, status, message: `${name} ${status}.` } };
  }
  return host;
}

export function aCommand(change: Partial<CommandView> = {}): CommandView {
  return {
    id: 'c1',
    hostId: 'a',
    operation: 'pull',
    phase: 'running',
    outcome: null,
    reason: '',
    progress: null,
    createdAt: 1_000,
    startedAt: 1_000,
    endedAt: null,
    exitCode: null,
    generation: null,
    by: 'operator',
    lines: 0,
    expiresAt: null,
    confirmation: null,
    ...change,
  };
}

export function aFleet(change: Partial<FleetView> = {}): FleetView {
  return {
    epoch: 'epoch-1',
    version: 1,
    hosts: [],
    desired: {
      source: 'none',
      branch: '',
      commit: '',
      message: '',
      committedAt: null,
      commitUrl: null,
      fetchedAt: null,
      error: null,
      hint: null,
    },
    updates: NO_FLAKE_UPDATES,
    notices: [],
    pipelines: [],
    ...change,
  };
}
