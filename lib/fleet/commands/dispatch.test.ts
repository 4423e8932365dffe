import { describe, expect, it } from 'vitest';
import { QUEUED_MS } from './command-step';
import { planDispatch } from './dispatch';
import { frameOf } from '../operations/wire';
import { OPERATIONS } from '../operations/operations';
import { commandView } from '../hosts/host-views';
import { RUNNING, sampleCommand, sampleView, T0 } from '../testing/samples';
import type { CommandRecord } from '../records/command-record';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';

const by = { userId: 'u1', userName: 'operator', address: '10.0.0.9' };
const running = sampleCommand('switch', RUNNING, { id: 'c-switch' });
const busy = sampleView({ command: commandView(running) });

function plan(
  operation: OperationId,
  options: { view?: typeof busy; active?: CommandRecord; force?: boolean; args?: Record<string, unknown> } = {},
) {
  const { view = sampleView(), active = null, force, args = {} } = options;
  return planDispatch(
    { operation, hostIds: ['h1'], requestId: 'r9', args, by, ...(force === undefined ? {} : { force }) },
    view,
    { active },
    'c-new',
    T0,
    { enabled: true, windowS: 180 },
  );
}

function accepted(...args: Parameters<typeof plan>) {
  const result = plan(...args);
  if (result.kind !== 'command') throw new Error(`not a command: ${JSON.stringify(result)}`);
  return result;
}

describe('planDispatch', () => {
  it('makes a queued record with its requester', () => {
    expect(accepted('pull').command).toEqual({
      ...sampleCommand('pull', { phase: 'queued', deadline: T0 + QUEUED_MS }),
      id: 'c-new',
      requestId: 'r9',
      address: '10.0.0.9',
    });
  });

  it('sends protocol 2 the name only, protocol 3 the id as well', () => {
    const { command } = accepted('pull');
    expect(frameOf(command, 2)).toEqual({ type: 'command', payload: { command: 'pull' } });
    expect(frameOf(command, 3)).toEqual({ type: 'command', payload: { command: 'pull', id: 'c-new' } });
  });

  it('a stop names its target to an agent of protocol 3', () => {
    const { target, how, command } = accepted('stop', { view: busy, active: running });
    expect(target).toBe(running);
    expect(command.targetId).toBe('c-switch');
    expect(how).toBe('stop');
    expect(frameOf(command, 2)).toEqual({ type: 'command', payload: { command: 'stop' } });
    expect(frameOf(command, 3)).toEqual({
      type: 'command',
      payload: { command: 'stop', id: 'c-new', target: 'c-switch' },
    });
  });

  it('kill is sent as kill_command, never as a command of that name, and never with a process id', () => {
    const { command, how } = accepted('kill', { view: busy, active: running });
    expect(how).toBe('kill');
    for (const protocol of [2, 3] as const) {
      expect(frameOf(command, protocol)).toEqual({ type: 'kill_command', payload: { signal: 'SIGKILL', pid: 0 } });
    }
  });

  it.each(['restart', 'reboot'] as const)(
    '%s targets the running command, and nothing on an idle host',
    (operation) => {
      expect(accepted(operation, { view: busy, active: running })).toMatchObject({ target: running, how: operation });
      expect(accepted(operation)).toMatchObject({ target: null, how: operation });
    },
  );

  it('only control operations are accepted while a command runs', () => {
    for (const id of OPERATION_IDS) {
      if (OPERATIONS[id].runs === 'dashboard') continue;
      const result = plan(id, { view: busy, active: running });
      expect(result.kind, id).toBe(OPERATIONS[id].bypassesBusy ? 'command' : 'blocked');
    }
  });

  it('refuses an offline host with a code', () => {
    const result = plan('pull', { view: sampleView({ online: false }) });
    expect(result).toEqual({
      kind: 'blocked',
      blocked: { code: 'offline', reason: 'h1 is offline.', unblock: null, forceable: false },
    });
  });

  it('stores force, which overrides only preconditions that can be forced', () => {
    const outdated = { status: 'outdated', message: 'Behind by 2 commits.', checkedAt: T0, next: 'pull' } as const;
    const behind = sampleView({ compartments: { ...sampleView().compartments, git: outdated } });
    expect(plan('switch', { view: behind })).toMatchObject({ kind: 'blocked', blocked: { code: 'behind' } });
    expect(accepted('switch', { view: behind, force: true }).command.forced).toBe(true);
    expect(plan('switch', { view: { ...behind, online: false }, force: true })).toMatchObject({
      kind: 'blocked',
      blocked: { code: 'offline' },
    });
  });

  it('does not send dashboard operations to an agent', () => {
    for (const id of OPERATION_IDS) {
      if (OPERATIONS[id].runs !== 'dashboard') continue;
      const { kind } = plan(id, {
        view: sampleView({ online: false }),
        args: id === 'set-color' ? { color: '#abcdef' } : {},
      });
      expect(kind, id).toBe(OPERATIONS[id].scope === 'host' ? 'dashboard' : 'blocked');
    }
  });
});
