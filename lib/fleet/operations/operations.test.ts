import { describe, expect, it } from 'vitest';
import { WIRE_COMMANDS } from '@/lib/protocol/agent';
import { OPERATION_IDS, type CompartmentStatus, type HostView, type OperationId } from '@/lib/protocol/live';
import { OPERATIONS } from './operations';
import { commandView } from '../hosts/host-views';
import { RUNNING, sampleCommand, sampleView, T0 } from '../testing/samples';
import { checkOperation, operationOfWire, requiresStepUp } from './operation-rules';

const all = OPERATION_IDS.map((id) => OPERATIONS[id]);
const command = (operation: OperationId) => commandView(sampleCommand(operation, RUNNING));

/** Every situation of a host that preconditions look at. */
const situations: HostView[] = [];
for (const online of [true, false]) {
  for (const active of [null, command('pull'), command('switch')]) {
    for (const control of [null, command('stop'), command('reboot')]) {
      for (const foreignCommand of ['', 'test']) {
        for (const git of ['ok', 'outdated', 'error', 'unknown'] satisfies CompartmentStatus[]) {
          for (const lock of ['ok', 'outdated', 'unknown'] satisfies CompartmentStatus[]) {
            const { compartments } = sampleView();
            situations.push(
              sampleView({
                online,
                command: active,
                control,
                foreignCommand,
                compartments: {
                  ...compartments,
                  git: { status: git, message: 'Git says so.', checkedAt: T0, next: null },
                  lock: { status: lock, message: 'Lock says so.', checkedAt: T0, next: null },
                },
              }),
            );
          }
        }
      }
    }
  }
}

describe('the table of operations', () => {
  it('has every operation under its own id', () => {
    expect(Object.keys(OPERATIONS).sort()).toEqual([...OPERATION_IDS].sort());
    for (const id of OPERATION_IDS) expect(OPERATIONS[id].id).toBe(id);
  });

  it('agent protocol 7.6, 3.2/13: on the wire are the names that agents know, each once, and nothing else', () => {
    const names = all.flatMap(({ wire }) => (wire?.kind === 'command' ? [wire.command] : []));
    expect([...names].sort()).toEqual([...WIRE_COMMANDS].sort());
    expect(all.filter(({ wire }) => wire?.kind === 'kill').map(({ id }) => id)).toEqual(['kill']);
    for (const { id, wire, runs } of all) expect(wire === null, id).toBe(runs === 'dashboard');
  });

  it('names are found again by their name on the wire', () => {
    for (const name of WIRE_COMMANDS) expect(operationOfWire(name)?.wire).toEqual({ kind: 'command', command: name });
    for (const name of ['', 'kill', 'bump-flake', 'constructor']) expect(operationOfWire(name)).toBeNull();
  });

  it('1.6/74 every operation has an end', () => {
    for (const { id, warnAfterMs, hardAfterMs, reconnectWithinMs } of all) {
      expect(warnAfterMs, id).toBeGreaterThan(0);
      expect(hardAfterMs, id).toBeGreaterThan(warnAfterMs);
      expect(hardAfterMs, id).toBeLessThanOrEqual(60 * 60_000);
      expect(reconnectWithinMs, id).toBeGreaterThan(0);
      expect(reconnectWithinMs, id).toBeLessThanOrEqual(60 * 60_000);
    }
  });

  it('agent protocol 4, 7.3: what ends each operation', () => {
    const by = (ends: string) => all.filter((operation) => operation.ends === ends).map(({ id }) => id);
    expect(by('switch')).toEqual(['switch', 'pull-switch']);
    expect(by('reconnect')).toEqual(['restart', 'reboot']);
    expect(by('target')).toEqual(['stop', 'kill']);
    expect(by('immediate')).toEqual(['merge-pr', 'set-color', 'remove-host', 'add-host']);
  });

  it('1.6/75, 3.2/9 stop, kill, restart and reboot pass by "busy", nothing else does', () => {
    expect(all.filter((operation) => operation.bypassesBusy).map(({ id }) => id)).toEqual([
      'stop',
      'kill',
      'restart',
      'reboot',
    ]);
  });

  it('only what changes nothing on the host, or has one end however often it is done, may be repeated', () => {
    expect(all.filter((operation) => operation.mayRepeat).map(({ id }) => id)).toEqual([
      'check-version',
      'refresh-git',
      'refresh-lock',
      'refresh-system',
      'refresh-all',
      'remove-host',
    ]);
  });

  it('what needs a fresh code also asks for a second look', () => {
    const steppedUp = all.filter((operation) => operation.needsStepUp !== 'never');
    expect(steppedUp.map(({ id, needsStepUp }) => [id, needsStepUp])).toEqual([
      ['rollback', 'bulk'],
      ['reboot', 'always'],
      ['remove-host', 'always'],
    ]);
    for (const { id, confirms } of steppedUp) expect(confirms, id).toBe(true);
  });

  it('a roll-back of one host needs no fresh code, of more than one it does', () => {
    expect([1, 2].map((hosts) => requiresStepUp('rollback', hosts))).toEqual([false, true]);
    expect([1, 2].map((hosts) => requiresStepUp('reboot', hosts))).toEqual([true, true]);
    expect([1, 2].map((hosts) => requiresStepUp('switch', hosts))).toEqual([false, false]);
  });

  it('is worded: a label, and a description that is a sentence', () => {
    for (const { id, label, description } of all) {
      expect(label, id).toMatch(/^[A-Z]/);
      expect(description, id).toMatch(/^[A-Z].*\.$/);
    }
    expect(new Set(all.map(({ label }) => label)).size).toBe(all.length);
  });
});

describe('preconditions', () => {
  it('say why with a code and a sentence; what they offer to unblock with is itself possible', () => {
    const codes = new Set<string>();
    for (const view of situations) {
      for (const operation of all) {
        const blocked = checkOperation(operation, view);
        if (!blocked) continue;
        codes.add(blocked.code);
        expect(blocked.code).toMatch(/^[a-z]+(-[a-z]+)*$/);
        expect(blocked.reason).toMatch(/^.+\.$/);
        if (blocked.unblock) {
          expect(checkOperation(OPERATIONS[blocked.unblock], view), `${operation.id} → ${blocked.unblock}`).toBeNull();
        }
      }
    }
    expect([...codes].sort()).toEqual(['agent-busy', 'behind', 'busy', 'idle', 'offline', 'online', 'unfinished']);
  });

  it('force goes past what may be forced, and past nothing else', () => {
    for (const view of situations) {
      for (const operation of all) {
        const forced = checkOperation(operation, view, true);
        if (forced) expect(forced.forceable).toBe(false);
        if (!checkOperation(operation, view)) expect(forced).toBeNull();
      }
    }
  });

  it.each([
    ['1.1/25 nothing for an offline host', 'pull', { online: false }, 'offline'],
    ['one command at a time', 'pull', { command: command('switch') }, 'busy'],
    ['nothing new before a control has ended', 'pull', { control: command('reboot') }, 'busy'],
    ['what the agent runs of its own counts', 'switch', { foreignCommand: 'test' }, 'agent-busy'],
    ['stop: something has to run', 'stop', {}, 'idle'],
    ['stop: what runs', 'stop', { command: command('pull') }, null],
    ['stop: what the agent runs of its own', 'stop', { foreignCommand: 'test' }, null],
    ['1.6/75, 3.2/9 stop while busy', 'stop', { command: command('switch') }, null],
    ['kill while busy', 'kill', { command: command('switch') }, null],
    ['one control at a time', 'kill', { command: command('switch'), control: command('stop') }, 'busy'],
    ['restart while busy', 'restart', { command: command('switch') }, null],
    ['reboot an idle host', 'reboot', {}, null],
    ['a host that is online is not removed: it would come back (agent protocol 6.4)', 'remove-host', {}, 'online'],
    ['a host that is offline is', 'remove-host', { online: false }, null],
    ['not while a command has no end', 'remove-host', { online: false, command: command('switch') }, 'unfinished'],
    ['a colour of a busy host', 'set-color', { command: command('switch') }, null],
    ['a colour of a host that is offline', 'set-color', { online: false }, null],
    ['one thing of the dashboard’s own at a time', 'set-color', { dashboardCommand: command('remove-host') }, 'busy'],
    ['rollback does not ask for the newest commit', 'rollback', {}, null],
  ] as const)('%s', (_name, id, changes, code) => {
    expect(checkOperation(OPERATIONS[id], sampleView(changes))?.code ?? null).toBe(code);
  });
});
