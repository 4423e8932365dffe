/** Who answers a confirmed switch, and when. */
import { describe, expect, it } from 'vitest';
import { answerRefusal } from './step-confirming';
import { OPERATIONS } from '../operations/operations';
import { back, closed, output, Play, runOut, send, type Step } from '../testing/command-play';
import {
  aCheck,
  answered,
  answers,
  NEW,
  ok,
  OLD,
  PENDING,
  reconnected,
  report,
  sendConfirmed,
  switchOf,
  waiting,
} from '../testing/confirmed-switch';

const FAILED = [aCheck('passed'), aCheck('failed', { name: 'web', kind: 'http', reason: 'connection refused' })];
const OBSERVED = [aCheck('passed'), aCheck('failed', { name: 'tests', kind: 'tests', enforced: false })];

describe('the answer of the dashboard', () => {
  it.each([
    [
      'on the connection from before the activation',
      [sendConfirmed, report('activating'), report('waiting', undefined, OLD)],
    ],
    [
      'later, for checks that passed on the connection from before the activation',
      [
        sendConfirmed,
        report('activating'),
        report('waiting', undefined, OLD),
        ...reconnected,
        report('waiting', PENDING),
      ],
    ],
    ['on the connection that it was sent on', [sendConfirmed, output, report('waiting', undefined, OLD)]],
    [
      'on one that has reported the activation',
      [sendConfirmed, closed, back('this'), report('activating', undefined, NEW), report('waiting')],
    ],
    ['to a report without checks', [sendConfirmed, report('activating', []), ...reconnected, report('waiting', [])]],
    ['to a report without checks after pending ones', [...waiting, report('waiting', [])]],
    ['while an enforced check is pending', waiting],
    ['when an enforced check failed', [...waiting, report('waiting', FAILED)]],
    ['when the state of a check is not known', [...waiting, report('waiting', [aCheck('unknown')])]],
    [
      'while the activation runs',
      [sendConfirmed, report('activating'), ...reconnected, report('activating', undefined, NEW)],
    ],
    ['when the host goes back', [...waiting, report('going-back')]],
    ['to a switch that it did not ask to confirm', [send, report('activating'), ...reconnected, report('waiting')]],
    ['to a command that has ended', [...waiting, closed, runOut, report('waiting')]],
    ['to a command whose result is known', [...waiting, ok, report('waiting')]],
    ['to what is no switch', [send, report('waiting')], 'pull'],
  ] as const)('is not given %s', (_title, steps: readonly Step[], operation: 'switch' | 'pull' = 'switch') => {
    const play = new Play(OPERATIONS[operation]);
    for (const step of steps) step(play);
    expect(play.answers).toEqual([]);
  });

  it('needs no observed check', () => switchOf(...waiting, report('waiting', OBSERVED), answers('keep')));

  it('is repeated for each report that still waits, and not for others', () => {
    switchOf(
      ...waiting,
      report('waiting'),
      answers('keep'),
      report('waiting'),
      report('waiting'),
      answers('keep', 'keep'),
      closed,
      back('this'),
      report('waiting', FAILED, 'newer'),
      answers('keep'),
      report('keeping'),
      answers(),
    );
  });

  it('is noted once in the output', () => {
    const { effects } = switchOf(...waiting, report('waiting'), report('waiting'));
    expect(effects.filter((effect) => effect === 'note')).toHaveLength(1);
  });
});

describe('the answer of an operator', () => {
  it('is sent once the host waits on a new connection', () => {
    switchOf(
      sendConfirmed,
      report('activating'),
      answered(false),
      answers(),
      ...reconnected,
      report('waiting'),
      answers('operator revert'),
    );
  });

  it('replaces that of the dashboard, and is not replaced by it', () => {
    switchOf(
      ...waiting,
      report('waiting'),
      answers('keep'),
      answered(false),
      answers('operator revert'),
      report('waiting'),
      answers('operator revert'),
    );
  });

  it('is the first one: a contrary one is refused, an equal one changes nothing', () => {
    const play = switchOf(...waiting, answered(false, 'ada'), answers('operator revert'));
    expect(answerRefusal(play.state, true)).toBe('ada has already answered: go back to the previous system.');
    expect(answerRefusal(play.state, false)).toBeNull();
    answered(true, 'bob')(play);
    answered(false, 'bob')(play);
    answers()(play);
    expect(play.state).toMatchObject({ confirmation: { answer: { keep: false, by: 'ada' } } });
  });

  it.each([
    ['has kept the system', report('keeping'), 'The host has already kept the new system.'],
    ['goes back', report('going-back'), 'The host is already going back to the previous system.'],
  ] as const)('is refused when the host %s', (_title, last, reason) => {
    const { state } = switchOf(...waiting, last);
    expect(answerRefusal(state, true)).toBe(reason);
    expect(answerRefusal(state, false)).toBe(reason);
  });

  it('is refused before and after the trial', () => {
    const reason = 'The host is not waiting for a confirmation.';
    expect(answerRefusal(switchOf(sendConfirmed, output).state, true)).toBe(reason);
    expect(answerRefusal(switchOf(...waiting, ok).state, true)).toBe(reason);
  });
});
