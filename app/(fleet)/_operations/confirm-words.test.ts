import { describe, expect, it } from 'vitest';
import { aHost } from '@/app/_live/testing/views';
import { confirmWords } from './confirm-words';
import type { HostView } from '@/lib/protocol/live/views/host-view';

const POLICY = { enabled: true, windowS: 180 };
const nixos = (id: string, missing: HostView['missingCapabilities'] = []) =>
  aHost(id, { name: id, type: 'nixos', protocol: 3, missingCapabilities: missing });
const WITHOUT_HELPER: HostView['missingCapabilities'] = ['activation', 'boot', 'confirm'];

describe('what a page says of the confirmation of a switch', () => {
  it('is null for an operation that is not a switch', () => {
    expect(confirmWords('pull', [nixos('a')], POLICY)).toBeNull();
  });

  it.each([
    [nixos('a'), true, 'Takes itself back unless confirmed within 3 min.'],
    [nixos('a', ['confirm']), false, 'Not confirmed: the agent is too old.'],
    [nixos('a', WITHOUT_HELPER), false, 'Not confirmed: the agent does not use nixfleet-root.'],
    [
      aHost('a', { type: 'macos', protocol: 3, missingCapabilities: WITHOUT_HELPER }),
      false,
      'Not confirmed: macOS can’t take a switch back.',
    ],
    [
      aHost('a', { type: 'nixos', protocol: 2, missingCapabilities: WITHOUT_HELPER }),
      false,
      'Not confirmed: the agent is too old.',
    ],
  ] as const)('names the reason for one host', (host, hasChoice, sentence) => {
    expect(confirmWords('switch', [host], POLICY)).toMatchObject({
      hasChoice,
      isConfirmed: hasChoice,
      sentences: [sentence],
    });
  });

  it('names the hosts that differ', () => {
    const hosts = [nixos('a'), nixos('b', ['confirm']), nixos('c', ['confirm'])];
    expect(confirmWords('pull-switch', hosts, POLICY)?.sentences).toEqual([
      'Takes itself back unless confirmed within 3 min.',
      'Not confirmed on b and c: the agent is too old.',
    ]);
  });

  it('leaves the choice to the operator where a dashboard runs', () => {
    const host = { ...nixos('a'), hostsDashboard: true };
    expect(confirmWords('switch', [host], POLICY)).toEqual({
      hasChoice: true,
      isConfirmed: false,
      sentences: [
        'Not confirmed: a dashboard runs on this host, and after going back, the older dashboard could not read the database.',
      ],
    });
    expect(confirmWords('switch', [host], POLICY, true)).toMatchObject({ isConfirmed: true });
  });

  it('follows the setting of the host, which counts more than that of the dashboard and less than a choice', () => {
    const words = (setting: HostView['confirmSwitches'], policy = POLICY, choice: boolean | null = null) =>
      confirmWords('switch', [{ ...nixos('a'), confirmSwitches: setting }], policy, choice);
    expect(words('off')).toEqual({
      hasChoice: true,
      isConfirmed: false,
      sentences: ['Not confirmed: confirmed switches are turned off for this host.'],
    });
    expect(words('off', POLICY, true)?.isConfirmed).toBe(true);
    expect(words('on', { ...POLICY, enabled: false })).toEqual({
      hasChoice: true,
      isConfirmed: true,
      sentences: ['Takes itself back unless confirmed within 3 min, as set for this host.'],
    });
    expect(words('on', POLICY, false)?.sentences).toEqual(['Not confirmed: turned off for this switch.']);
    const onDashboard = { ...nixos('a'), hostsDashboard: true, confirmSwitches: 'on' } as const;
    expect(confirmWords('switch', [onDashboard], POLICY)?.isConfirmed).toBe(true);
    const older = { ...nixos('a', ['confirm']), confirmSwitches: 'on' } as const;
    expect(confirmWords('switch', [older], POLICY)?.sentences).toEqual(['Not confirmed: the agent is too old.']);
  });

  it('follows the operator and the configuration', () => {
    expect(confirmWords('switch', [nixos('a')], POLICY, false)).toEqual({
      hasChoice: true,
      isConfirmed: false,
      sentences: ['Not confirmed: turned off for this switch.'],
    });
    expect(confirmWords('switch', [nixos('a')], { ...POLICY, enabled: false })).toEqual({
      hasChoice: false,
      isConfirmed: false,
      sentences: ['Not confirmed: confirmed switches are turned off.'],
    });
    expect(confirmWords('switch', [nixos('a')], { enabled: true, windowS: 90 })?.sentences).toEqual([
      'Takes itself back unless confirmed within 90 s.',
    ]);
  });
});
