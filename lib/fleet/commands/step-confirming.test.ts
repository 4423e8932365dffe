import { describe, expect, it } from 'vitest';
import { CONFIRM_GRACE_MS, RECOVERY_MS } from './command-step';
import { OPERATIONS } from '../operations/operations';
import {
  back,
  beat,
  closed,
  feed,
  is,
  output,
  playCases,
  REPLACED,
  restarted,
  runOut,
  status,
  stop,
  wait,
  type Play,
} from '../testing/command-play';
import {
  aCheck,
  answered,
  answers,
  CONFIRM_S,
  NEW,
  ok,
  PENDING,
  reconnected,
  report,
  sendConfirmed,
  switchOf,
  waiting,
  wentBack,
} from '../testing/confirmed-switch';
import { MINUTE, SECOND, T0 } from '../testing/samples';

const FAILED = [aCheck('passed'), aCheck('failed', { name: 'web', kind: 'http', reason: 'connection refused' })];
describe('a confirmed switch', () => {
  playCases([
    [
      'kept after its checks passed',
      'switch',
      [...waiting, report('waiting'), answers('keep'), is('confirming'), report('keeping'), ok, beat('none')],
      'succeeded',
    ],
    [
      'a check fails',
      'switch',
      [...waiting, report('going-back', FAILED), wentBack('check-failed'), beat('none')],
      'rolled-back',
      /A check of the new system failed\./,
    ],
    [
      'no dashboard was in time',
      'switch',
      [...waiting, closed, back('none', { hasResult: true }), wentBack('no-contact'), beat('none')],
      'rolled-back',
      /No dashboard confirmed/,
    ],
    [
      'the activation failed',
      'switch',
      [sendConfirmed, report('activating'), report('going-back'), wentBack('activation-failed'), beat('none')],
      'rolled-back',
      /activation of the new system failed/,
    ],
    [
      'the activation hangs',
      'switch',
      [sendConfirmed, report('activating'), wentBack('activation-hung'), beat('none')],
      'rolled-back',
      /did not end in time/,
    ],
    [
      'the new agent did not come back',
      'switch',
      [sendConfirmed, report('activating'), closed, back('this'), wentBack('agent-missing'), beat('none')],
      'rolled-back',
      /agent of the new system/,
    ],
    [
      'the host restarted',
      'switch',
      [...waiting, closed, back('none', { hasResult: true }), wentBack('restarted'), beat('none')],
      'rolled-back',
      /restarted before/,
    ],
    [
      'an operator takes it back',
      'switch',
      [
        ...waiting,
        answered(false),
        answers('operator revert'),
        report('going-back'),
        wentBack('operator'),
        beat('none'),
      ],
      'rolled-back',
      /An operator/,
    ],
    [
      'an operator keeps it',
      'switch',
      [...waiting, answered(true), answers('operator keep'), report('keeping'), ok, beat('none')],
      'succeeded',
    ],
    [
      'its message is quoted',
      'switch',
      [...waiting, wentBack('check-failed', 'web: connection refused'), beat('none')],
      'rolled-back',
      /The host reported: web: connection refused\.$/,
    ],
    [
      'it went back before any report',
      'pull-switch',
      [sendConfirmed, output, wentBack('activation-failed'), beat('none')],
      'rolled-back',
    ],
    [
      'a forced update is confirmed, too',
      'force-update',
      [...waiting, report('waiting'), answers('keep'), ok, beat('none')],
      'succeeded',
    ],
    [
      'the agent knows nothing of it',
      'switch',
      [...waiting, closed, back('none', { facts: REPLACED })],
      'lost',
      /no longer knows the switch/,
    ],
    ['the agent runs another command', 'switch', [...waiting, closed, back('other', { facts: REPLACED })], 'lost'],
    [
      'heartbeats no longer show it',
      'switch',
      [...waiting, wait(10 * SECOND), beat('none', REPLACED), is('confirming'), beat('none', REPLACED)],
      'lost',
    ],
    [
      'no result arrives',
      'switch',
      [...waiting, closed, runOut],
      'lost',
      /should have gone back .* but that is not confirmed/,
    ],
    [
      'no result arrives after it was kept',
      'switch',
      [...waiting, report('keeping'), runOut],
      'lost',
      /Which system it runs is not known/,
    ],
    [
      'an announced result does not arrive',
      'switch',
      [...waiting, closed, back('none', { hasResult: true, facts: REPLACED }), runOut],
      'lost',
    ],
    [
      'announced, then the agent forgets it',
      'switch',
      [
        ...waiting,
        closed,
        back('none', { hasResult: true, facts: REPLACED }),
        closed,
        back('none', { facts: REPLACED }),
        runOut,
      ],
      'lost',
    ],
    [
      'a new agent without a report proves nothing',
      'switch',
      [sendConfirmed, output, closed, back('none', { facts: REPLACED }), runOut],
      'lost',
      /nothing is running/,
    ],
    [
      'nor does a heartbeat of it',
      'switch',
      [
        sendConfirmed,
        output,
        wait(10 * SECOND),
        beat('none', REPLACED),
        beat('none', REPLACED),
        beat('none', REPLACED),
        runOut,
      ],
      'lost',
      /nothing is running/,
    ],
    [
      'the dashboard restarts in between',
      'switch',
      [
        ...waiting,
        report('waiting'),
        answers('keep'),
        restarted,
        back('this'),
        report('waiting', undefined, 'newer'),
        answers('keep'),
        ok,
        beat('none'),
      ],
      'succeeded',
    ],
    [
      'a late result corrects a loss',
      'switch',
      [...waiting, closed, runOut, wentBack('no-contact')],
      'rolled-back',
      /arrived after/,
    ],
    [
      'the switch fails before the activation',
      'switch',
      [sendConfirmed, output, status('error', 1, 'build failed', false), beat('none')],
      'failed',
      /build failed/,
    ],
    [
      'a stop that comes too late',
      'switch',
      [
        sendConfirmed,
        output,
        stop(),
        report('activating'),
        is('confirming'),
        ...reconnected,
        report('waiting'),
        answers('keep'),
        ok,
        beat('none'),
      ],
      'succeeded',
    ],
    [
      'a killed activation goes back',
      'switch',
      [
        sendConfirmed,
        output,
        stop('kill'),
        feed({
          type: 'result',
          result: { status: 'error', exitCode: -9, message: '', restarting: false, rolledBack: 'activation-failed' },
        }),
        beat('none'),
      ],
      'rolled-back',
    ],
    [
      'the agent refuses another command meanwhile',
      'switch',
      [
        ...waiting,
        feed({ type: 'rejected', isThis: false, reason: 'It is busy.' }),
        is('confirming'),
        stop(),
        is('confirming'),
        report('waiting'),
        ok,
        beat('none'),
      ],
      'succeeded',
    ],
  ]);

  it('keeps the last report with its end, and what its checks found', () => {
    const last = [report('going-back', FAILED), report('going-back', [])];
    const { state } = switchOf(...waiting, ...last, wentBack('check-failed'), beat('none'));
    expect(state).toMatchObject({
      outcome: 'rolled-back',
      confirmation: { system: '/nix/store/b-new', previous: '/nix/store/a-old', checks: FAILED },
    });
  });
});

describe('the deadline of a confirmed switch', () => {
  const deadline = (play: Play) => (play.state.phase === 'ended' ? 0 : play.state.deadline);
  const { hardAfterMs } = OPERATIONS.switch;

  it('is the command’s deadline, or later if the confirmation window ends after it', () => {
    expect(deadline(switchOf(...waiting))).toBe(T0 + hardAfterMs);
    const late = switchOf(sendConfirmed, output, wait(hardAfterMs - MINUTE), output, report('activating'));
    expect(deadline(late)).toBe(T0 + hardAfterMs - MINUTE + CONFIRM_S * SECOND + CONFIRM_GRACE_MS);
  });

  it('is not moved by an agent beyond the window that it was given', () => {
    const play = switchOf(...waiting);
    const latest = T0 + hardAfterMs + CONFIRM_S * SECOND + CONFIRM_GRACE_MS;
    play.feed({ type: 'confirmation', report: { ...waitingReport() }, endsAt: T0 + 24 * 60 * MINUTE, on: NEW });
    expect(deadline(play)).toBe(latest);
    while (play.state.phase === 'confirming') {
      play.wait(30 * SECOND);
      report('waiting', PENDING)(play);
    }
    expect(play.now).toBeLessThanOrEqual(latest + 30 * SECOND);
  });

  it('leaves a host that was away time to come back after a restart of the dashboard', () => {
    const play = switchOf(...waiting, wait(hardAfterMs - MINUTE), restarted);
    expect(deadline(play)).toBe(play.now + RECOVERY_MS);
  });

  it('moves with the clock, and so does the end of the window', () => {
    const play = switchOf(...waiting);
    const before = play.state;
    play.feed({ type: 'time-shifted', ms: 5 * MINUTE });
    if (before.phase !== 'confirming' || play.state.phase !== 'confirming') throw new Error('not confirming');
    expect(play.state.deadline).toBe(before.deadline + 5 * MINUTE);
    expect(play.state.confirmation.endsAt).toBe((before.confirmation.endsAt ?? 0) + 5 * MINUTE);
  });

  function waitingReport() {
    const { state } = switchOf(...waiting);
    if (state.phase !== 'confirming') throw new Error('not confirming');
    const { stage, system, previous, checks, reason } = state.confirmation;
    return { stage, system, previous, checks, reason };
  }
});
