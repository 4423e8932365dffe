/** Sample records of the fleet, for tests. */
import { newCommand } from '@/lib/fleet/commands/dispatch';
import type { PipelineHostRecord, PipelineRecord } from '@/lib/fleet/records/pipeline-state';
import type { CommandRecord, OutputBatch } from '@/lib/fleet/records/command-record';
import type { HostRecord } from '@/lib/fleet/records/host-record';
import type { EventHead, NewEvent } from '@/lib/fleet/records/event-record';
import type { EventCategory } from '@/lib/protocol/event-categories';
import type { EventView } from '@/lib/protocol/live/views/event-view';

export function testHost(id: string, changes: Partial<HostRecord> = {}): HostRecord {
  return {
    id,
    name: id,
    type: 'nixos',
    location: 'home',
    deviceType: 'server',
    themeColor: '#7aa2f7',
    themeColorPinned: false,
    note: '',
    agentVersion: '3.1.5',
    protocol: 2,
    capabilities: null,
    hostsDashboard: false,
    confirmSwitches: 'default',
    policy: null,
    osVersion: '25.11',
    generation: '42',
    repoUrl: 'https://example.org/fleet.git',
    storePath: '/nix/store/abc',
    binaryHash: 'def',
    lockHash: 'ghi',
    heartbeatIntervalS: 5,
    lock: null,
    system: null,
    tests: null,
    metrics: null,
    metricsAt: null,
    createdAt: 1_000,
    lastSeenAt: null,
    ...changes,
  };
}

export function testCommand(id: string, hostId: string, changes: Partial<CommandRecord> = {}): CommandRecord {
  const by = { userId: 'operator', userName: 'Operator', address: '192.0.2.7' };
  const command = newCommand({ operation: 'switch', requestId: `request-${id}`, by }, hostId, id, 2_000);
  return { ...command, state: { phase: 'queued', deadline: 9_000 }, ...changes };
}

export function endedCommand(
  id: string,
  hostId: string,
  endedAt: number,
  changes: Partial<CommandRecord> = {},
): CommandRecord {
  return testCommand(id, hostId, {
    state: { phase: 'ended', at: endedAt, outcome: 'succeeded', exitCode: 0, reason: 'Done.' },
    outcome: 'succeeded',
    exitCode: 0,
    reason: 'Done.',
    endedAt,
    ...changes,
  });
}

/** Lines `from` to `to`, inclusive. */
export function testOutput(commandId: string, from: number, to: number): OutputBatch {
  const lines = Array.from({ length: to - from + 1 }, (_, index) => ({
    seq: from + index,
    at: 3_000 + from + index,
    stream: (from + index) % 7 === 0 ? ('stderr' as const) : ('stdout' as const),
    text: `line ${from + index} with some text`,
  }));
  return { commandId, lines };
}

const EVENT_HEAD: EventHead = {
  at: 4_000,
  actorKind: 'dashboard',
  actor: 'dashboard',
  userId: null,
  address: '',
  hostId: null,
  hostName: '',
  commandId: null,
};

/** An event of the category `system` whose parameter holds the text. */
export function testEvent(text: string, head: Partial<EventHead> = {}): NewEvent {
  return testEventOf('system', text, head);
}

/** The same of another category. */
export function testEventOf(category: EventCategory, text: string, changes: Partial<EventHead> = {}): NewEvent {
  const head = { ...EVENT_HEAD, ...changes };
  switch (category) {
    case 'system':
      return { ...head, action: 'backup.failed', params: { reason: text } };
    case 'agent':
      return { ...head, action: 'agent.fault', params: { fault: 'unreadable', problem: text } };
    case 'auth':
      return { ...head, action: 'enrolment.created', params: { hostName: text } };
    case 'command':
      return { ...head, action: 'command.warning', params: { operation: 'pull', why: text } };
    case 'fleet': {
      const params = { number: 1, title: '', repo: 'ada/fleet', forge: 'GitHub', reason: text };
      return { ...head, action: 'update.failed', params };
    }
  }
}

/** The text that `testEvent` or `testEventOf` was given. */
export function textOf({ params }: Pick<EventView, 'params'>): unknown {
  return params.reason ?? params.problem ?? params.hostName ?? params.why;
}

export function testPipeline(id: string, changes: Partial<PipelineRecord> = {}): PipelineRecord {
  return {
    id,
    kind: 'do-all',
    stages: ['pull', 'switch', 'test'],
    args: null,
    requestId: `request-${id}`,
    parallelism: 10,
    stopOnFailure: false,
    forced: false,
    phase: 'running',
    state: { prelude: null, halt: null },
    outcome: null,
    reason: '',
    userId: 'operator',
    userName: 'Operator',
    address: '192.0.2.7',
    createdAt: 2_000,
    endedAt: null,
    ...changes,
  };
}

export function testPipelineHost(
  pipelineId: string,
  hostId: string,
  changes: Partial<PipelineHostRecord> = {},
): PipelineHostRecord {
  return {
    pipelineId,
    hostId,
    hostName: hostId,
    position: 0,
    stage: 0,
    status: 'waiting',
    commandId: null,
    steps: [],
    reason: '',
    ...changes,
  };
}
