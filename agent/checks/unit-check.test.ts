import { expect, it } from 'vitest';
import { judgeUnits, statesOf, unitsBefore, type UnitState } from './unit-check';

const unit = (name: string, active: string, sub = active, restarts = 0): UnitState => ({ name, active, sub, restarts });
const NONE = { failed: [], restarting: [], starting: [] };

it('reads units from the output of systemctl show', () => {
  const lines = [
    'Id=a.service',
    'ActiveState=active',
    'SubState=running',
    'NRestarts=2',
    '',
    'Id=b.mount',
    'ActiveState=failed',
    'SubState=failed',
  ];
  expect(statesOf(lines)).toEqual([unit('a.service', 'active', 'running', 2), unit('b.mount', 'failed')]);
  expect(statesOf([])).toEqual([]);
});

it.each([
  ['fails', unit('a.service', 'failed'), ['a.service'], []],
  ['runs', unit('a.service', 'active', 'running'), [], []],
  ['was restarted twice since the activation', unit('a.service', 'active', 'running', 3), ['a.service'], []],
  [
    'was restarted once and waits for the next start',
    unit('a.service', 'activating', 'auto-restart', 2),
    [],
    ['a.service'],
  ],
  ['is starting', unit('a.service', 'activating', 'start'), [], ['a.service']],
  ['was started anew, which sets its count back', unit('a.service', 'active', 'running', 0), [], []],
])('judges a unit that %s', (_title, now, failed, unsettled) => {
  const atEnd = [unit('a.service', 'active', 'running', 1)];
  expect(judgeUnits([now], NONE, atEnd, [])).toEqual({ failed, unsettled });
});

it('does not count what failed or looped before', () => {
  const before = unitsBefore([unit('a.service', 'failed'), unit('b.service', 'activating', 'auto-restart', 9)]);
  const now = [unit('a.service', 'failed'), unit('b.service', 'failed')];
  expect(judgeUnits(now, before, [], [])).toEqual({ failed: [], unsettled: [] });
});

it('does not wait for a unit that was starting before, but notices its failure', () => {
  const before = unitsBefore([unit('backup.service', 'activating', 'start')]);
  expect(judgeUnits([unit('backup.service', 'activating', 'start')], before, [], [])).toEqual({
    failed: [],
    unsettled: [],
  });
  expect(judgeUnits([unit('backup.service', 'failed')], before, [], []).failed).toEqual(['backup.service']);
});

it('ignores units by name, with * for any characters and nothing else', () => {
  const now = ['backup-home.service', 'backup.service', 'a.b.service', 'axb.service'].map((name) =>
    unit(name, 'failed'),
  );
  expect(judgeUnits(now, NONE, [], ['backup*.service', 'a.b.service']).failed).toEqual(['axb.service']);
});

it.each([
  ['*', true],
  ['a*', true],
  ['*.service', true],
  ['a*-*.service', true],
  ['*one*two*', true],
  ['*two*one*', false],
  ['a-one-two.service*x', false],
  ['a-one-two.servic', false],
  ['a-one-two.service*service', false],
])('a pattern %s fits a-one-two.service: %s', (pattern, expected) => {
  const { failed } = judgeUnits([unit('a-one-two.service', 'failed')], NONE, [], [pattern]);
  expect(failed.length === 0).toBe(expected);
});
