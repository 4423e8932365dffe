import { describe, expect, it } from 'vitest';
import { confirmationMarks, confirmationSentence, countdown, systemName } from './confirmation-words';
import type { CheckView, ConfirmationView } from '@/lib/protocol/live/views/command-view';

const check = (status: CheckView['status'], more: Partial<CheckView> = {}): CheckView => ({
  name: 'units',
  kind: 'units',
  status,
  before: 'passed',
  enforced: true,
  reason: '',
  tookMs: null,
  ...more,
});
const view = (more: Partial<ConfirmationView> = {}): ConfirmationView => ({
  stage: 'waiting',
  endsAt: 0,
  reached: true,
  checks: [check('passed')],
  reason: '',
  system: '/nix/store/b',
  previous: '/nix/store/a',
  answer: null,
  ...more,
});
const states = (more: Partial<ConfirmationView>) => confirmationMarks(view(more)).map(({ state }) => state);

describe('the marks of a confirmed switch', () => {
  it('are reached, units and the other enforced checks', () => {
    expect(confirmationMarks(view()).map(({ name }) => name)).toEqual(['Reached', 'Units', 'Checks']);
    expect(states({ reached: false, checks: [] })).toEqual(['pending', 'none', 'none']);
    expect(states({ checks: [check('passed'), check('pending', { kind: 'http' })] })).toEqual([
      'passed',
      'passed',
      'pending',
    ]);
    expect(states({ checks: [check('failed'), check('unknown', { kind: 'tcp' })] })).toEqual([
      'passed',
      'failed',
      'pending',
    ]);
  });

  it('leave observed checks aside', () => {
    expect(states({ checks: [check('passed'), check('failed', { kind: 'tests', enforced: false })] })).toEqual([
      'passed',
      'passed',
      'none',
    ]);
  });

  it('say that a host was not reached when it goes back', () => {
    expect(states({ stage: 'going-back', reached: false })[0]).toBe('failed');
  });
});

it('counts down in minutes and seconds, and not below zero', () => {
  expect([98_000, 97_100, 180_000, 3_600_000, 0, -5_000].map((left) => countdown(left, 0))).toEqual([
    '1:38',
    '1:38',
    '3:00',
    '60:00',
    '0:00',
    '0:00',
  ]);
});

it('says what a confirmed switch is doing, and how it ended', () => {
  const open = { phase: 'confirming', outcome: null } as const;
  expect(confirmationSentence(open, view({ answer: { keep: true, by: '' } }))).toBe(
    'The dashboard keeps the new system.',
  );
  expect(confirmationSentence(open, view({ answer: { keep: false, by: 'ada' } }))).toBe('ada chose Revert now.');
  expect(confirmationSentence(open, view({ stage: 'going-back', answer: { keep: true, by: '' } }))).toBe(
    'The host is going back to the previous system.',
  );
  expect(confirmationSentence({ phase: 'ended', outcome: 'rolled-back' }, view())).toBe(
    'The host went back to the previous system.',
  );
  expect(confirmationSentence({ phase: 'ended', outcome: 'lost' }, view())).toBe(
    'Which system the host has kept is not known.',
  );
});

it('names a system by its name and the start of its hash', () => {
  expect(systemName('/nix/store/8cx7qv2n1l5kzf0y3m6wd9hjr4gsb2pa-nixos-system-web-25.11')).toBe(
    'nixos-system-web-25.11 (8cx7qv2)',
  );
  expect([systemName('/run/current-system'), systemName('')]).toEqual(['/run/current-system', 'not known']);
});
