import { describe, expect, it } from 'vitest';
import { aHost } from '@/app/_live/testing/views';
import { confirmWords } from './confirm-words';
import { isPossible, needsReview, planOffers, planOperation, planSentence } from './plan';
import { policyRules, policySummary } from './policy-words';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import type { PolicyView } from '@/lib/protocol/live/views/policy-view';

const NONE: PolicyView = {
  state: 'none',
  source: '/etc/nixfleet-agent/policy.json',
  problem: '',
  operations: null,
  hours: null,
  branches: null,
  signers: null,
  moreSigners: 0,
  oldestCommit: '',
  confirmed: false,
};
const set = (rules: Partial<PolicyView>): PolicyView => ({ ...NONE, state: 'set', ...rules });
/** A Monday. */
const NOON = Date.parse('2026-11-30T12:00:00Z');

describe('the summary of a policy', () => {
  it.each([
    ['not reported yet', { policy: null }, 'The agent of this host has not reported a policy yet.'],
    [
      'an older agent',
      { policy: null, missingCapabilities: ['policy'] },
      'The agent of this host does not support policies, so the host accepts everything. Update the agent to set one.',
    ],
    ['none', { policy: NONE }, 'No policy: accepts everything.'],
    ['none, offline', { policy: NONE, online: false }, 'No policy: accepts everything. This is what it reported last.'],
    [
      'unreadable',
      { policy: { ...NONE, state: 'unreadable', problem: 'is not JSON' } },
      'The host’s policy can’t be used, so the host refuses every operation that would change it: /etc/nixfleet-agent/policy.json is not JSON.',
    ],
    [
      'set',
      { policy: set({}) },
      'The host accepts only what is listed here, whoever asks. Checks, refreshes and Stop are always accepted.',
    ],
  ] satisfies [string, Partial<HostView>, string][])('says it: %s', (_name, change, sentence) => {
    expect(policySummary(aHost('web', change))).toBe(sentence);
  });
});

describe('the rules of a policy', () => {
  it('are all named, also those that accept anything', () => {
    expect(policyRules(set({}), NOON).map(({ title, text }) => `${title}: ${text}`)).toEqual([
      'Operations: All.',
      'Hours: At any time.',
      'Switches: Confirmed or not.',
      'Signatures: The commit need not be signed.',
      'Branches: The commit may be on any branch.',
      'Oldest commit: Any commit.',
    ]);
    expect(policyRules(NONE, NOON)).toEqual([]);
  });

  it('say what is accepted, and whether the hours are open now', () => {
    const hours = { zone: 'UTC', windows: [{ days: ['mon' as const], from: 780, to: 840 }] };
    const rules = policyRules(
      set({
        operations: ['reboot', 'pull'],
        hours,
        branches: ['main'],
        signers: [{ name: 'alice', key: 'ssh-ed25519 SHA256:x' }],
        moreSigners: 2,
        oldestCommit: '3c9a808',
        confirmed: true,
      }),
      NOON,
    );
    expect(rules).toMatchObject([
      { text: 'Pull and Reboot.' },
      { text: 'Closed now; the next window opens Mon 30 Nov, 13:00 (UTC).', items: ['Mon 13:00–14:00 (UTC)'] },
      { text: /take themselves back/.exec(rules[2]?.text ?? '') ? rules[2]?.text : '' },
      { items: ['alice (ssh-ed25519 SHA256:x)', '2 more'] },
      { items: ['main'] },
      { items: ['3c9a808'] },
    ]);
    expect(policyRules(set({ hours }), NOON + 90 * 60_000)[1]?.text).toBe('Open now.');
    expect(policyRules(set({ operations: [] }), NOON)[0]?.text).toBe('None.');
    expect(policyRules(set({ hours: { ...hours, zone: 'Mars/Olympus' } }), NOON)[1]).toMatchObject({
      text: 'This dashboard does not know the time zone, and so not whether they are open now.',
      items: ['Mon 13:00–14:00 (Mars/Olympus)'],
    });
  });
});

describe('an operation that a host will refuse', () => {
  const host = aHost('web', { policy: set({ operations: ['pull'] }) });

  it('is offered with the reason, and can be sent all the same', () => {
    const plan = planOperation('switch', [host]);
    expect(planSentence(plan)).toBe('Cannot switch web: it does not accept it.');
    expect(plan.groups[0]?.blocked.reason).toBe('web does not accept the switch: its policy does not list it.');
    expect([isPossible('switch', host), needsReview(plan)]).toEqual([true, true]);
    expect(planOffers(plan)).toMatchObject([{ operation: 'switch', force: true, label: 'Send anyway' }]);
    expect(planOperation('pull', [host]).ready).toEqual([host]);
  });

  it('because it would not be confirmed is named in the dialog', () => {
    const strict = aHost('web', { policy: set({ confirmed: true }) });
    const policy = { enabled: true, windowS: 180 };
    expect(confirmWords('switch', [strict], policy)?.sentences).toEqual([
      'Takes itself back unless confirmed within 3 min.',
    ]);
    expect(confirmWords('switch', [strict], policy, false)?.sentences).toEqual([
      'Not confirmed: turned off for this switch.',
      'web accepts only confirmed switches, and will refuse this one.',
    ]);
  });
});
