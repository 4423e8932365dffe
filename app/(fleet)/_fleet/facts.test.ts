import { describe, expect, it } from 'vitest';
import { aCommand, aHost, withCompartments } from '@/app/_live/testing/views';
import { hostView } from '@/lib/fleet/hosts/host-views';
import { sampleDesired, sampleHost, sampleSource } from '@/lib/fleet/testing/samples';
import { activity, isBehind, isFailing, lateness, nextStep, shortReason } from './facts';

describe('lateness', () => {
  const at = (interval: number, ageMs: number) =>
    lateness({ online: true, heartbeatIntervalS: interval, lastSeenAt: 100_000_000 }, 100_000_000 + ageMs);

  it('depends on the heartbeat interval of the host', () => {
    expect(at(5, 14_000)).toBe('on-time');
    expect(at(5, 16_000)).toBe('late');
    expect(at(5, 56_000)).toBe('very-late');
    expect(at(60, 56_000)).toBe('on-time');
    expect(at(60, 130_000)).toBe('late');
  });

  it('treats a last-seen time in the future as now', () => {
    expect(at(5, -90_000)).toBe('on-time');
  });

  it('is offline, not late, for a host without a connection', () => {
    expect(lateness({ online: false, heartbeatIntervalS: 5, lastSeenAt: null }, 1)).toBe('offline');
  });
});

describe('activity', () => {
  it('describes what the command is doing, with its progress', () => {
    expect(activity(aCommand({ progress: { label: 'Building', current: 3, total: 12 } }))).toBe('Building 3 of 12');
    expect(activity(aCommand({ progress: { label: '', current: 0, total: 0 } }))).toBe('Running');
    expect(activity(aCommand({ operation: 'pull', progress: { label: 'Pulling', current: 1, total: 2 } }))).toBe(
      '1 of 2',
    );
    expect(activity(aCommand({ operation: 'switch', progress: { label: 'Switching', current: 0, total: 3 } }))).toBe(
      'Running',
    );
    // Nothing of it is done yet: a count would look stuck.
    expect(activity(aCommand({ progress: { label: 'Building', current: 0, total: 3 } }))).toBe('Building');
    expect(activity(aCommand({ phase: 'awaiting-reconnect' }))).toBe('Waiting for the agent');
  });
});

describe('shortReason', () => {
  const ended = (outcome: 'succeeded' | 'partial' | 'failed' | 'refused', reason: string) =>
    shortReason(aCommand({ phase: 'ended', outcome, reason }));

  it('is the reason of what did not do everything, without what the outcome says already', () => {
    expect(ended('partial', 'Switched, but unit fleet-status.service failed (exit-code).')).toBe(
      'unit fleet-status.service failed (exit-code).',
    );
    expect(ended('failed', 'The host reported: nix build failed with exit code 1: curl-8.14.1 failed to build.')).toBe(
      'curl-8.14.1 failed to build.',
    );
    expect(ended('failed', 'nix build failed with exit code 1.')).toBe('nix build failed with exit code 1.');
    expect(ended('refused', 'Refused by the host: the commit 3c9a808 is not signed.')).toBe(
      'the commit 3c9a808 is not signed.',
    );
    expect(ended('succeeded', 'The host reported success.')).toBe('');
    expect(shortReason(aCommand())).toBe('');
  });
});

describe('a host while the desired state can’t be fetched', () => {
  it('is neither failing nor behind', () => {
    const system = { status: 'ok', message: '', saidAt: '', at: 1, generation: '3c9a808' } as const;
    const record = sampleHost({ generation: '3c9a808', lockHash: 'lock-b', system, tests: system });
    const parts = { record, online: true, active: null, control: null, dashboardCommand: null, queue: [], last: null };
    const view = (error: { message: string; since: number } | null) =>
      hostView({ ...parts, foreignCommand: '', notice: '' }, sampleSource(sampleDesired({ error })), '4.0.0');
    expect([isFailing(view(null)), isBehind(view(null))]).toEqual([false, true]);
    const unreachable = view({ message: 'The server does not answer.', since: 1 });
    expect([isFailing(unreachable), isBehind(unreachable), nextStep(unreachable)]).toEqual([false, false, null]);
  });
});

describe('nextStep', () => {
  it('is the operation that fixes the first problem, in the order git, lock, system, tests, agent', () => {
    const host = withCompartments('a', { git: 'outdated', system: 'outdated' });
    host.compartments.git = { ...host.compartments.git, next: 'pull' };
    host.compartments.system = { ...host.compartments.system, next: 'switch' };
    expect(nextStep(host)).toBe('pull');
    expect(nextStep({ compartments: { ...host.compartments, git: { ...host.compartments.git, status: 'ok' } } })).toBe(
      'switch',
    );
    expect(nextStep(aHost('b'))).toBeNull();
  });
});
