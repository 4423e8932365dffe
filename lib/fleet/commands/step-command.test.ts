/**
 * The state machine of a command by itself: inputs that no fleet can bring about alone, and deadlines. How commands end:
 * `command-ends.test.ts`.
 */
import { describe, expect, it } from 'vitest';
import { deadlineOf } from './step-command';
import { MAX_EXTENSION_MS } from './command-step';
import { OPERATIONS } from '../operations/operations';
import {
  FACTS,
  REPLACED,
  Play,
  feed,
  send,
  wait,
  runOut,
  output,
  status,
  beat,
  closed,
  back,
  stop,
  probed,
  restarted,
  is,
  asked,
  type Case,
  playCases,
} from '../testing/command-play';
import { MINUTE, SECOND, T0 } from '../testing/samples';

const CASES: Case[] = [
  // Facts
  [
    'empty facts are neither different nor equal',
    'switch',
    [
      send,
      closed,
      back(),
      beat('none', { ...FACTS, storePath: '', binaryHash: '' }),
      asked('probe-system'),
      probed('unknown'),
    ],
    'lost',
  ],
  [
    'a switch whose frame never arrived is lost, also when the agent was replaced and runs another command',
    'switch',
    [send, closed, back('other', { facts: REPLACED, sameProcess: false }), asked()],
    'lost',
    /does not know the command/,
  ],
  [
    'an agent in a crash loop does not keep its host busy',
    'switch',
    [
      send,
      ...Array.from({ length: 400 }, () => [closed, wait(5 * SECOND), back(), wait(2 * SECOND), beat('none')]).flat(),
    ],
    'lost',
  ],

  // Before it was sent
  ['never sent', 'pull', [runOut], 'expired'],
  [
    'never sent: the connection was closed',
    'pull',
    [feed({ type: 'not-sent', outcome: 'rejected', reason: 'The connection was gone.' })],
    'rejected',
  ],
  [
    'cancelled before it was sent',
    'pull',
    [feed({ type: 'cancel', reason: 'The operator cancelled it.' })],
    'cancelled',
  ],
  ['stopped before it was sent', 'pull', [stop()], 'cancelled'],
  ['a restart of the dashboard before it was sent', 'pull', [restarted, runOut], 'expired'],

  // Dashboard operations
  ['merge-pr ends with its result', 'merge-pr', [send, status('ok', 0, 'Merged #42.')], 'succeeded', /^Merged #42\.$/],
  [
    'merge-pr: inputs about the host’s connection change nothing',
    'merge-pr',
    [
      send,
      wait(5 * SECOND),
      closed,
      back(),
      beat('none'),
      beat('none'),
      is('sent'),
      status('error', null, 'not mergeable'),
    ],
    'failed',
  ],
  ['merge-pr: the result is unknown after a restart of the dashboard', 'merge-pr', [send, restarted], 'lost'],
  ['merge-pr: no answer', 'merge-pr', [send, runOut], 'timed-out'],
];

describe('sequences that no agent causes', () => {
  playCases(CASES);
});

describe('deadlines', () => {
  it('in the warning phase the deadline is the hard deadline, and activity does not move it', () => {
    const play = new Play(OPERATIONS.pull);
    for (const step of [send, wait(2 * MINUTE), is('warning'), output, beat('this')]) step(play);
    expect(deadlineOf(play.state)).toBe(T0 + OPERATIONS.pull.hardAfterMs);
  });

  it.each([
    ['no time', 0, 0],
    ['less than none', -5, 0],
    ['more than an hour', 9 * 60 * MINUTE, MAX_EXTENSION_MS],
    ['no number', Number.NaN, 0],
  ])('an extension by %s is bounded', (_name, ms, given) => {
    const play = new Play(OPERATIONS.pull);
    for (const step of [send, wait(2 * MINUTE), feed({ type: 'extend', ms })]) step(play);
    expect(deadlineOf(play.state)).toBe(play.now + given);
  });

  it('only a warning can be extended', () => {
    const play = new Play(OPERATIONS.pull);
    for (const step of [send, output, feed({ type: 'extend', ms: MINUTE })]) step(play);
    expect(deadlineOf(play.state)).toBe(T0 + OPERATIONS.pull.warnAfterMs);
  });
});
