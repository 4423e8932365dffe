import { describe, expect, it } from 'vitest';
import { OPERATIONS } from './operations';
import { commandView } from '../hosts/host-views';
import { RUNNING, sampleCommand, sampleView, T0 } from '../testing/samples';
import { labelOf, nounPhrase, pastPhrase, verbPhrase } from './operation-words';
import { checkHostCount, checkOperation, operationOfWire, requiresStepUp } from './operation-rules';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';
import type { CompartmentStatus } from '@/lib/protocol/compartment-names';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import { ACTIVATION, CAPABILITIES, COMMAND_CAPABILITIES, CONFIRM, POLICY } from '@/lib/protocol/agent/capabilities';
import { WIRE_COMMANDS } from '@/lib/protocol/agent/wire-commands';

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
  it('has every operation under its id', () => {
    expect(Object.keys(OPERATIONS).sort()).toEqual([...OPERATION_IDS].sort());
    for (const id of OPERATION_IDS) expect(OPERATIONS[id].id).toBe(id);
  });

  it('uses every wire name of docs/protocol.md once, and no other', () => {
    const names = all.flatMap(({ wire }) => (wire?.kind === 'command' ? [wire.command] : []));
    expect([...names].sort()).toEqual([...WIRE_COMMANDS].sort());
    expect(all.filter(({ wire }) => wire?.kind === 'kill').map(({ id }) => id)).toEqual(['kill']);
    for (const { id, wire, runs } of all) expect(wire === null, id).toBe(runs === 'dashboard');
  });

  it('needs the capability of its command; a dashboard operation needs none', () => {
    for (const { id, wire, needs } of all) {
      const name = wire?.kind === 'command' ? wire.command : wire?.kind;
      if (name === undefined) expect(needs, id).toEqual([]);
      else expect(needs, id).toContain(COMMAND_CAPABILITIES[name]);
    }
  });

  it('has an operation for every capability that is a command', () => {
    const needed = new Set(all.flatMap(({ needs }) => needs));
    expect([...needed, ACTIVATION, CONFIRM, POLICY].sort()).toEqual([...CAPABILITIES].sort());
  });

  it('finds operations by their name on the wire', () => {
    for (const name of WIRE_COMMANDS) expect(operationOfWire(name)?.wire).toEqual({ kind: 'command', command: name });
    for (const name of ['', 'kill', 'bump-flake', 'constructor']) expect(operationOfWire(name)).toBeNull();
  });

  it('every operation has an end', () => {
    for (const { id, warnAfterMs, hardAfterMs, reconnectWithinMs } of all) {
      expect(warnAfterMs, id).toBeGreaterThan(0);
      expect(hardAfterMs, id).toBeGreaterThan(warnAfterMs);
      expect(hardAfterMs, id).toBeLessThanOrEqual(60 * 60_000);
      expect(reconnectWithinMs, id).toBeGreaterThan(0);
      expect(reconnectWithinMs, id).toBeLessThanOrEqual(60 * 60_000);
    }
  });

  it('each operation has its end rule', () => {
    const by = (ends: string) => all.filter((operation) => operation.ends === ends).map(({ id }) => id);
    expect(by('switch')).toEqual(['switch', 'pull-switch']);
    expect(by('reconnect')).toEqual(['restart', 'reboot']);
    expect(by('target')).toEqual(['stop', 'kill']);
    expect(by('immediate')).toEqual(['merge-pr', 'set-color', 'remove-host', 'add-host']);
  });

  it('only stop, kill, restart and reboot may be sent to a busy host', () => {
    expect(all.filter((operation) => operation.bypassesBusy).map(({ id }) => id)).toEqual([
      'stop',
      'kill',
      'restart',
      'reboot',
    ]);
  });

  it('only read-only or idempotent operations may be repeated', () => {
    expect(all.filter((operation) => operation.mayRepeat).map(({ id }) => id)).toEqual([
      'check-version',
      'refresh-git',
      'refresh-lock',
      'refresh-system',
      'refresh-all',
      'remove-host',
    ]);
  });

  it('operations that need a fresh code also need confirmation', () => {
    const steppedUp = all.filter((operation) => operation.needsStepUp !== 'never');
    expect(steppedUp.map(({ id, needsStepUp }) => [id, needsStepUp])).toEqual([
      ['rollback', 'bulk'],
      ['reboot', 'always'],
      ['switch-generation', 'bulk'],
      ['merge-pr', 'always'],
      ['remove-host', 'always'],
    ]);
    for (const { id, confirms } of steppedUp) expect(confirms, id).toBe(true);
  });

  it('a rollback needs a fresh code only for more than one host', () => {
    expect([1, 2].map((hosts) => requiresStepUp('rollback', hosts))).toEqual([false, true]);
    expect([1, 2].map((hosts) => requiresStepUp('reboot', hosts))).toEqual([true, true]);
    expect([1, 2].map((hosts) => requiresStepUp('switch', hosts))).toEqual([false, false]);
  });

  it('only the switch to a generation is refused for several hosts', () => {
    expect(all.filter(({ oneHost }) => oneHost).map(({ id }) => id)).toEqual(['switch-generation']);
    const [switchTo, rollback] = [OPERATIONS['switch-generation'], OPERATIONS.rollback];
    expect([checkHostCount(switchTo, 1), checkHostCount(rollback, 2)]).toEqual([null, null]);
    expect(checkHostCount(switchTo, 2)).toEqual({
      code: 'one-host',
      reason: 'The switch to another generation applies to one host, because the numbers differ from host to host.',
      unblock: null,
      forceable: false,
    });
  });

  it('names the generation in the words of a command, where it has one', () => {
    expect(labelOf({ operation: 'switch-generation', generation: 12 })).toBe('Switch to generation 12');
    expect(labelOf({ operation: 'pull', generation: null })).toBe('Pull');
    expect(nounPhrase('switch-generation', 'h1', 12)).toBe('switch to generation 12 on h1');
    expect(nounPhrase('switch-generation', 'h1')).toBe('switch to another generation on h1');
    expect(verbPhrase('switch-generation', 'h1', 12)).toBe('switch h1 to generation 12');
  });

  it('names the hosts in every phrase of an operation, except for the merge', () => {
    for (const { id } of all) {
      for (const phrase of [nounPhrase, verbPhrase, pastPhrase]) {
        const text = phrase(id, '3 hosts');
        const withHosts = id === 'switch-generation' ? /^[^{}]+ 3 hosts( to another generation)?$/ : /^[^{}]+ 3 hosts$/;
        expect(text).toMatch(id === 'merge-pr' ? /^[^{}]+$/ : withHosts);
      }
      expect(nounPhrase(id)).not.toMatch(/ (on|of|for)$/);
    }
  });

  it('has a label and a description that is a sentence', () => {
    for (const { id, label, description } of all) {
      expect(label, id).toMatch(/^[A-Z]/);
      expect(description, id).toMatch(/^[A-Z].*\.$/);
    }
    expect(new Set(all.map(({ label }) => label)).size).toBe(all.length);
  });
});

describe('preconditions', () => {
  it('give a code and a sentence; the unblocking operation is possible', () => {
    const codes = new Set<string>();
    for (const view of situations) {
      for (const operation of all) {
        const blocked = checkOperation(operation, view, 0);
        if (!blocked) continue;
        codes.add(blocked.code);
        expect(blocked.code).toMatch(/^[a-z]+(-[a-z]+)*$/);
        expect(blocked.reason).toMatch(/^.+\.$/);
        if (blocked.unblock) {
          expect(
            checkOperation(OPERATIONS[blocked.unblock], view, 0),
            `${operation.id} → ${blocked.unblock}`,
          ).toBeNull();
        }
      }
    }
    expect([...codes].sort()).toEqual(['agent-busy', 'behind', 'busy', 'idle', 'offline', 'online', 'unfinished']);
  });

  it('force overrides only reasons that can be forced', () => {
    for (const view of situations) {
      for (const operation of all) {
        const forced = checkOperation(operation, view, 0, true);
        if (forced) expect(forced.forceable).toBe(false);
        if (!checkOperation(operation, view, 0)) expect(forced).toBeNull();
      }
    }
  });

  it.each([
    ['nothing for an offline host', 'pull', { online: false }, 'offline'],
    ['one command at a time', 'pull', { command: command('switch') }, 'busy'],
    ['nothing new before a control operation has ended', 'pull', { control: command('reboot') }, 'busy'],
    ['a command that the dashboard did not send counts', 'switch', { foreignCommand: 'test' }, 'agent-busy'],
    ['stop needs a running command', 'stop', {}, 'idle'],
    ['stop a running command', 'stop', { command: command('pull') }, null],
    ['stop a command that the dashboard did not send', 'stop', { foreignCommand: 'test' }, null],
    ['stop while busy', 'stop', { command: command('switch') }, null],
    ['kill while busy', 'kill', { command: command('switch') }, null],
    ['one control operation at a time', 'kill', { command: command('switch'), control: command('stop') }, 'busy'],
    ['restart while busy', 'restart', { command: command('switch') }, null],
    ['reboot an idle host', 'reboot', {}, null],
    ['a host that is online is not removed', 'remove-host', {}, 'online'],
    ['a host that is offline is removed', 'remove-host', { online: false }, null],
    [
      'a host with an unfinished command is not removed',
      'remove-host',
      { online: false, command: command('switch') },
      'unfinished',
    ],
    ['the colour of a busy host', 'set-color', { command: command('switch') }, null],
    ['the colour of an offline host', 'set-color', { online: false }, null],
    ['one dashboard operation at a time', 'set-color', { dashboardCommand: command('remove-host') }, 'busy'],
    ['rollback does not need the newest commit', 'rollback', {}, null],
  ] as const)('%s', (_name, id, changes, code) => {
    expect(checkOperation(OPERATIONS[id], sampleView(changes), 0)?.code ?? null).toBe(code);
  });
});

describe('an agent without the capability', () => {
  it('blocks exactly the operations that need it, online or offline, and by force', () => {
    for (const capability of CAPABILITIES) {
      for (const operation of all) {
        for (const online of [true, false]) {
          const view = sampleView({ protocol: 3, online, missingCapabilities: [capability] });
          const isUnsupported = checkOperation(operation, view, 0, true)?.code === 'unsupported';
          expect(isUnsupported, `${operation.id} without ${capability}`).toBe(operation.needs.includes(capability));
        }
      }
    }
  });

  it('is the first reason, with the version of the agent', () => {
    const view = sampleView({
      online: false,
      protocol: 3,
      agentVersion: '4.0.0',
      missingCapabilities: ['rollback'],
    });
    expect(checkOperation(OPERATIONS.rollback, view, 0)).toEqual({
      code: 'unsupported',
      reason: 'The agent on h1 (version 4.0.0) does not support the rollback. Update the agent.',
      unblock: null,
      forceable: false,
    });
    expect(checkOperation(OPERATIONS.rollback, { ...view, agentVersion: '' }, 0)?.reason).toBe(
      'The agent on h1 does not support the rollback. Update the agent.',
    );
  });

  it('of version 1 is replaced by pulling and switching', () => {
    const missing = CAPABILITIES.filter((capability) => capability !== 'pull-switch');
    const view = sampleView({ protocol: 1, missingCapabilities: missing });
    for (const operation of all) {
      if (operation.runs === 'dashboard' || operation.id === 'pull-switch') continue;
      const blocked = checkOperation(operation, view, 0);
      expect(blocked, operation.id).toMatchObject({ code: 'version-1', unblock: 'pull-switch', forceable: false });
    }
    expect(checkOperation(OPERATIONS['pull-switch'], view, 0)).toBeNull();
  });
});
