import { describe, expect, it } from 'vitest';
import { judgeOperation } from './judge-operation';
import type { Policy, PolicyState } from './policy-file';
import { POLICY_OPERATIONS } from '@/lib/protocol/agent/host-policy';
import { WIRE_COMMANDS } from '@/lib/protocol/agent/wire-commands';

const ANYTHING: Policy = {
  operations: null,
  hours: null,
  branches: null,
  signers: null,
  oldestCommit: '',
  confirmed: false,
};
const set = (policy: Partial<Policy>): PolicyState => ({
  kind: 'set',
  source: '/p',
  policy: { ...ANYTHING, ...policy },
});
const UNREADABLE: PolicyState = { kind: 'unreadable', source: '/p', problem: 'is not JSON' };
/** A Monday, 12:00 in Berlin. */
const NOON = Date.parse('2026-11-30T11:00:00Z');

function reason(state: PolicyState, command: string, isConfirmed = false): string | null {
  return judgeOperation(state, { command, isConfirmed }, NOON)?.reason ?? null;
}
const CHANGING: readonly string[] = POLICY_OPERATIONS;
const READING = WIRE_COMMANDS.filter((command) => !CHANGING.includes(command));

describe('a command', () => {
  it('that only reads, and stop, are accepted whatever the policy says', () => {
    expect([...READING].sort()).toEqual([
      'check-version',
      'refresh-all',
      'refresh-git',
      'refresh-lock',
      'refresh-system',
      'stop',
    ]);
    for (const state of [UNREADABLE, set({ operations: [] }), set({ hours: CLOSED })])
      for (const command of READING) expect(reason(state, command)).toBeNull();
  });

  it('of every kind is accepted without a policy, and refused where it can’t be used', () => {
    for (const command of CHANGING) {
      expect(reason({ kind: 'none', source: '/p' }, command)).toBeNull();
      expect(reason(set({}), command)).toBeNull();
      expect(reason(UNREADABLE, command)).toBe('policy-unreadable');
    }
    expect(judgeOperation(UNREADABLE, { command: 'pull', isConfirmed: false }, NOON)?.text).toBe(
      "its policy can't be used, so it refuses every operation that would change the host: /p is not JSON",
    );
  });

  it('is accepted by its exact name alone', () => {
    for (const listed of POLICY_OPERATIONS)
      for (const command of CHANGING)
        expect(reason(set({ operations: [listed] }), command)).toBe(command === listed ? null : 'operation');
  });

  it('outside the hours is refused with the next opening, except kill', () => {
    for (const command of CHANGING)
      expect(reason(set({ hours: CLOSED }), command)).toBe(command === 'kill' ? null : 'hours');
    expect(judgeOperation(set({ hours: CLOSED }), { command: 'switch', isConfirmed: false }, NOON)?.text).toBe(
      'its policy does not accept it at this time; the next window opens Mon 30 Nov, 22:00 (Europe/Berlin)',
    );
    for (const command of CHANGING) expect(reason(set({ hours: OPEN }), command)).toBeNull();
  });

  it('that activates a new system has to be confirmed where the policy asks for it', () => {
    const state = set({ confirmed: true });
    for (const command of ['switch', 'pull-switch', 'force-update']) {
      expect(reason(state, command)).toBe('not-confirmed');
      expect(reason(state, command, true)).toBeNull();
    }
    expect(reason(state, 'boot', true)).toBe('not-confirmed');
    for (const command of ['rollback', 'switch-generation', 'pull', 'test', 'reboot', 'restart', 'update', 'kill'])
      expect(reason(state, command)).toBeNull();
  });

  it.each([
    ['branches', { branches: ['main'] }],
    ['signers', { signers: { content: '', keys: [], file: '' } }],
    ['an oldest commit', { oldestCommit: '0'.repeat(40) }],
  ])('that changes flake.lock without committing it is refused with %s', (_rule, policy) => {
    expect(reason(set(policy), 'update')).toBe('dirty');
    expect(reason(set(policy), 'force-update', true)).toBe('dirty');
    expect(reason(set(policy), 'pull-switch')).toBeNull();
  });
});

const CLOSED = { zone: 'Europe/Berlin', windows: [{ days: ['mon', 'tue'], from: 1320, to: 240 }] } as const;
const OPEN = { zone: 'Europe/Berlin', windows: [{ days: ['mon'], from: 720, to: 780 }] } as const;
