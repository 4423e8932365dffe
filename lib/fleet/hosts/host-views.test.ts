import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_DESIRED_STATE } from './desired';
import { commandStateSchema } from '../records/command-state';
import { commandView, desiredView, hostPatch, hostView, type HostParts } from './host-views';
import { MINUTE, RUNNING, sampleCommand, sampleDesired, sampleHost, sampleSource, T0 } from '../testing/samples';
import type { HostRecord } from '../records/host-record';
import { applyChanges } from '@/lib/protocol/live/apply-changes';
import type { FleetView } from '@/lib/protocol/live/views/fleet-view';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import { NO_FLAKE_UPDATES } from '@/lib/protocol/live/flake-update-constants';

const parts: HostParts = {
  record: sampleHost(),
  online: true,
  active: null,
  control: null,
  dashboardCommand: null,
  queue: [],
  last: null,
  foreignCommand: '',
  notice: '',
};
const fleetOf = (host: HostView): FleetView => ({
  epoch: 'e',
  version: 1,
  hosts: [host],
  desired: desiredView(NO_DESIRED_STATE),
  updates: NO_FLAKE_UPDATES,
  notices: [],
  pipelines: [],
});

const hosts = fc
  .record({
    record: fc.record(
      {
        location: fc.constantFrom('home', 'work'),
        generation: fc.constantFrom('', '3c9a808', '6f27b9a'),
        lockHash: fc.constantFrom('', 'lock-a', 'lock-b'),
        agentVersion: fc.constantFrom('', '3.1.5', '4.0.0'),
        lastSeenAt: fc.option(fc.nat()),
        metrics: fc.option(
          fc.record(
            { cpu: fc.option(fc.nat()), ram: fc.nat(), swap: fc.nat(), load: fc.nat() },
            { noNullPrototype: true },
          ),
        ),
        system: fc.option(
          fc.record(
            {
              status: fc.constantFrom('ok' as const, 'error' as const),
              message: fc.string(),
              saidAt: fc.string(),
              at: fc.nat(),
              generation: fc.constantFrom('', '3c9a808'),
            },
            { noNullPrototype: true },
          ),
        ),
      } satisfies Partial<Record<keyof HostRecord, unknown>>,
      { requiredKeys: [] },
    ),
    online: fc.boolean(),
    active: fc.constantFrom(null, sampleCommand('pull', RUNNING), sampleCommand('switch', RUNNING)),
    last: fc.constantFrom(null, sampleCommand('test', RUNNING)),
    foreignCommand: fc.constantFrom('', 'test'),
    notice: fc.constantFrom('', 'Two agents register as h1.'),
  })
  .map(({ record, ...rest }) => hostView({ ...parts, ...rest, record: sampleHost(record) }, sampleSource(), '4.0.0'));

describe('hostPatch', () => {
  it('applied to the old view gives the new one', () => {
    fc.assert(
      fc.property(hosts, hosts, (before, after) => {
        const patch = hostPatch(before, after);
        // As it arrives in a browser.
        const received = JSON.parse(JSON.stringify({ from: 1, version: 2, ...(patch ? { hosts: [patch] } : {}) })) as {
          from: number;
          version: number;
        };
        expect(applyChanges(fleetOf(before), received)?.hosts).toEqual([after]);
      }),
    );
  });

  it('is null when nothing changed, and the whole host when it is new', () => {
    fc.assert(
      fc.property(hosts, (view) => {
        expect(hostPatch(view, structuredClone(view))).toBeNull();
        expect(hostPatch(null, view)).toBe(view);
      }),
    );
  });

  it('holds the changed fields and the id only', () => {
    const before = hostView(parts, sampleSource(), '4.0.0');
    expect(hostPatch(before, { ...before, location: 'work', online: false })).toEqual({
      id: 'h1',
      location: 'work',
      online: false,
    });
  });
});

describe('hostView', () => {
  it('sends a new host as a whole', () => {
    const view = hostView(parts, sampleSource(), '4.0.0');
    const empty: FleetView = { ...fleetOf(view), hosts: [] };
    expect(applyChanges(empty, { from: 1, version: 2, hosts: [view] })?.hosts).toEqual([view]);
  });

  it('judges the compartments with the running command', () => {
    const record = sampleHost({ generation: '3c9a808', agentVersion: '4.0.0' });
    const view = hostView({ ...parts, record, active: sampleCommand('pull', RUNNING) }, sampleSource(), '4.0.0');
    expect(view.compartments.git).toMatchObject({ status: 'working' });
    expect(view.compartments.agent).toMatchObject({ status: 'ok' });
    expect(view.command).toEqual(commandView(sampleCommand('pull', RUNNING)));
  });

  it('is unchanged by JSON, so that page, socket and API show the same', () => {
    const view = hostView({ ...parts, last: sampleCommand('test', RUNNING) }, sampleSource(), '4.0.0');
    expect(JSON.parse(JSON.stringify(view))).toEqual(view);
  });
});

describe('commandView', () => {
  it('a warning has its reason; progress ends with the command', () => {
    const progress = { label: 'Switching', current: 1, total: 3 };
    const warning = commandView(
      sampleCommand(
        'switch',
        commandStateSchema.parse({ ...RUNNING, phase: 'warning', progress, why: 'It takes longer than 10 min.' }),
      ),
    );
    expect(warning).toMatchObject({ phase: 'warning', reason: 'It takes longer than 10 min.', progress });
    const ended = commandView(
      sampleCommand(
        'switch',
        { phase: 'ended', at: T0 + MINUTE, outcome: 'failed', exitCode: 1, reason: 'It ended with exit code 1.' },
        { reason: 'It ended with exit code 1.', exitCode: 1, endedAt: T0 + MINUTE },
      ),
    );
    expect(ended).toMatchObject({ phase: 'ended', outcome: 'failed', progress: null, exitCode: 1 });
    expect(ended.reason).toBe('It ended with exit code 1.');
  });

  it('names the requester without the address', () => {
    const view = commandView(sampleCommand('pull', RUNNING));
    expect(view.by).toBe('operator');
    expect(JSON.stringify(view)).not.toContain('127.0.0.1');
  });
});

describe('desiredView', () => {
  it('shows everything but the lock hash', () => {
    const { lockHash, ...rest } = sampleDesired();
    expect(desiredView(sampleDesired())).toEqual(rest);
    expect(lockHash).toBe('lock-a');
  });
});
