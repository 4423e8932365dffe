import { describe, expect, it } from 'vitest';
import { deadlineOf } from './command';
import { HEARTBEAT_ANSWER_MS, MAX_EXTENSION_MS } from './command-step';
import { OPERATIONS } from '../operations/operations';
import {
  bad,
  FACTS,
  MOVED,
  REPLACED,
  Play,
  feed,
  send,
  wait,
  runOut,
  output,
  progress,
  status,
  beat,
  closed,
  back,
  stop,
  refused,
  probed,
  restarted,
  is,
  asked,
  exit101,
  type Case,
  playCases,
} from '../testing/command-play';
import { MINUTE, SECOND, T0 } from '../testing/samples';

const CASES: Case[] = [
  // Section 4, pull
  [
    '4 pull, isolated: progress, output, status without ♥',
    'pull',
    [
      send,
      progress('Pulling', 0, 4),
      output,
      beat('this'),
      progress('Pulling', 4, 4),
      status('ok', 0),
      asked('ask-heartbeat'),
      is('verifying'),
      beat('none', MOVED),
    ],
    'succeeded',
    /6f27b9a/,
  ],
  [
    '4 pull, isolated: output after the status changes nothing',
    'pull',
    [send, status('ok', 0), output, is('verifying'), beat('none', MOVED)],
    'succeeded',
  ],
  ['4 pull: nothing new', 'pull', [send, status('ok', 0), beat('none')], 'unchanged'],
  [
    '4 pull: the goal is not met (7.3, lesson 12)',
    'pull',
    [send, status('ok', 0), beat('none', { ...MOVED, relation: 'behind', git: bad })],
    'partial',
    /Behind by 1 commit/,
  ],
  [
    '4 pull: the lock is not the desired one',
    'pull',
    [send, status('ok', 0), beat('none', { ...MOVED, lock: bad })],
    'partial',
  ],
  [
    'lesson 64: the feed is older than what was pulled',
    'pull',
    [send, status('ok', 0), beat('none', { ...MOVED, relation: 'differs', git: bad, lock: bad })],
    'succeeded',
    /not \(yet\)/,
  ],
  [
    'lesson 64: the desired state does not know the pulled commit yet',
    'pull',
    [send, status('ok', 0), beat('none', { ...MOVED, relation: 'unknown', lock: bad })],
    'succeeded',
  ],
  [
    '4 pull error: exit 1 and the Go text',
    'pull',
    [send, progress('Pulling', 0, 4), status('error', 1, 'exit status 128'), beat('none')],
    'failed',
    /^exit status 128\.$/,
  ],
  [
    '4 pull, legacy: ♥ still shows it (7.7)',
    'pull',
    [send, output, status('ok', 0), beat('this', MOVED), is('verifying'), beat('none', MOVED)],
    'succeeded',
  ],
  [
    'lesson 15: the status is judged by a heartbeat after it, not by the one before',
    'pull',
    [send, beat('this', { ...FACTS, git: bad }), status('ok', 0), beat('none', MOVED)],
    'succeeded',
  ],
  [
    '6.6: no heartbeat comes after the status',
    'pull',
    [send, status('ok', 0), wait(HEARTBEAT_ANSWER_MS)],
    'succeeded',
    /no fact came in time/,
  ],

  // Section 4, switch
  [
    '4 switch, NixOS, ok: status before the exit, then reconnect',
    'switch',
    [send, progress('Switching', 0, 3), output, status('ok', 0), is('awaiting-reconnect'), beat('this'), ...exit101],
    'succeeded',
  ],
  [
    '4 switch, NixOS, ok: an unchanged agent binary is no fault',
    'switch',
    [send, status('ok', 0), ...exit101],
    'succeeded',
  ],
  [
    '4 switch failed: no restart',
    'switch',
    [send, status('error', 1, 'command failed'), beat('this'), beat('none')],
    'failed',
    /exit code 1/,
  ],
  [
    '4 switch, exit 0 of an agent that does not restart',
    'switch',
    [send, status('ok', 0), beat('none'), runOut],
    'succeeded',
    /did not restart/,
  ],
  [
    '4 switch, ok, and the host never comes back',
    'switch',
    [send, status('ok', 0), wait(500), closed, runOut],
    'timed-out',
    /did not come back/,
  ],
  [
    '4 switch, protocol 3: it says that it does not restart',
    'switch',
    [send, status('ok', 0, '', false), is('verifying'), beat('none')],
    'succeeded',
  ],
  [
    'lesson 5, 7.5: macOS switch, killed without a status; the agent was replaced',
    'switch',
    [
      send,
      output,
      closed,
      wait(20 * SECOND),
      back('unsaid', { facts: REPLACED }),
      is('verifying'),
      beat('none', REPLACED),
    ],
    'succeeded',
    /replaced/,
  ],
  [
    '7.5: macOS switch, killed without a status, same agent: refresh-system says ok',
    'switch',
    [send, closed, back(), beat('none'), asked('probe-system'), beat('other'), probed('ok')],
    'succeeded',
    /system is current/,
  ],
  [
    '7.5: protocol 3 knows nothing of a switch whose frame the kill of the dashboard cut off: facts don’t judge it',
    'switch',
    [send, restarted, back('none'), asked('note')],
    'lost',
    /knows nothing of it/,
  ],
  [
    '… nor when the host was replaced by something else meanwhile',
    'switch',
    [send, closed, back('none', { facts: REPLACED, sameProcess: false }), asked()],
    'lost',
    /knows nothing of it/,
  ],
  [
    '… nor when it runs something else',
    'switch',
    [send, restarted, back('other'), asked('note')],
    'lost',
    /knows nothing of it/,
  ],
  [
    '… but facts judge it where it was heard of before: the process may have ended in its middle',
    'switch',
    [send, output, restarted, back('none'), asked('note', 'probe-system'), probed('ok')],
    'succeeded',
  ],
  [
    '… and the result that was announced is awaited',
    'switch',
    [send, restarted, back('none', { hasResult: true }), is('verifying'), status('ok', 0, '', false), beat('none')],
    'succeeded',
  ],
  [
    '… what may be repeated is sent again',
    'refresh-git',
    [send, restarted, back('none'), asked('note', 'send-again'), status('ok', 0), beat('none')],
    'succeeded',
  ],
  [
    '… a restart that the agent was never told of is none, although the agent is there',
    'restart',
    [send, restarted, back('none')],
    'lost',
    /knows nothing of it/,
  ],
  ['… one that it took up is', 'restart', [send, output, restarted, back('none')], 'succeeded'],
  ['7.5: … it says outdated', 'switch', [send, closed, back(), beat('none'), probed('outdated')], 'failed'],
  ['7.5: … it says anything else', 'switch', [send, closed, back(), beat('none'), probed('unknown')], 'lost'],
  ['7.5: … it never answers', 'switch', [send, closed, back(), beat('none'), runOut], 'lost'],
  [
    '4 switch, macOS: failed before the bootout, so a status comes',
    'switch',
    [send, status('error', 1), beat('none')],
    'failed',
  ],
  [
    'lesson 7: facts that are empty are neither different nor equal',
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
    'lesson 80, 3.2.11: crash in mid-switch is no success by itself',
    'switch',
    [send, output, closed, wait(3 * SECOND), back(), beat('none'), is('verifying'), probed('outdated')],
    'failed',
  ],
  [
    '7.5: network drop in mid-switch; the agent still runs it',
    'switch',
    [
      send,
      output,
      closed,
      is('awaiting-reconnect'),
      wait(5 * SECOND),
      back(),
      is('verifying'),
      beat('this'),
      is('running'),
      status('ok', 0),
      ...exit101,
    ],
    'succeeded',
  ],
  [
    '7.5: … protocol 3 says so at once',
    'switch',
    [
      send,
      closed,
      back('this', { sameProcess: true }),
      is('running'),
      status('ok', 0, '', true),
      closed,
      back('none', { sameProcess: false }),
    ],
    'succeeded',
  ],
  [
    '1.12: network drop in mid-switch that outlasts its end',
    'switch',
    [send, closed, wait(MINUTE), back('unsaid', { facts: REPLACED }), beat('none', REPLACED)],
    'succeeded',
  ],
  [
    'network drop while the evidence is awaited; the switch still runs',
    'switch',
    [
      send,
      closed,
      back(),
      closed,
      wait(3 * MINUTE),
      back(),
      beat('this'),
      is('running'),
      status('error', 1),
      beat('none'),
    ],
    'failed',
  ],
  [
    'a result that arrives after the probe was sent',
    'switch',
    [send, closed, back(), beat('none'), status('error', 2), beat('none')],
    'failed',
    /exit code 2/,
  ],
  [
    'section 3: a long switch that turns "unknown" at the agent goes on',
    'switch',
    [
      send,
      beat('this'),
      wait(6 * MINUTE),
      beat('this', { ...FACTS, system: { status: 'unknown', message: 'Status stale.' } }),
      status('ok', 0),
      ...exit101,
    ],
    'succeeded',
  ],
  ['the host goes away in mid-switch and stays away', 'switch', [send, closed, runOut], 'lost', /not known/],
  [
    'lesson 54: an agent in a crash loop does not keep its host busy',
    'switch',
    [
      send,
      ...Array.from({ length: 400 }, () => [closed, wait(5 * SECOND), back(), wait(2 * SECOND), beat('none')]).flat(),
    ],
    'lost',
  ],

  // Section 4, pull-switch
  [
    '4 pull-switch: both phases, one status',
    'pull-switch',
    [
      send,
      progress('Pulling', 0, 4),
      progress('Pulling', 4, 4),
      progress('Switching', 0, 3),
      beat('this'),
      status('ok', 0),
      beat('this'),
      ...exit101,
    ],
    'succeeded',
  ],
  [
    '4 pull-switch: the pull fails, no ♥, no restart',
    'pull-switch',
    [send, progress('Pulling', 0, 4), status('error', 1, 'exit status 1'), beat('none')],
    'failed',
  ],

  // Section 4, the rest
  [
    '4 test: passed',
    'test',
    [send, progress('Testing', 0, 8), progress('Testing', 8, 8), status('ok', 0), beat('this'), beat('none')],
    'succeeded',
  ],
  ['4 test: failed', 'test', [send, status('error', 3), beat('this'), beat('none')], 'failed', /exit code 3/],
  ['4 rollback', 'rollback', [send, output, status('ok', 0), beat('this'), beat('none')], 'succeeded'],
  ['4 update', 'update', [send, output, status('ok', 0), beat('this'), beat('none')], 'succeeded'],
  [
    '4 refresh-git: no ♥, so a heartbeat is asked for',
    'refresh-git',
    [send, output, status('ok', 0, 'git status check is dashboard-side'), asked('ask-heartbeat'), beat('none')],
    'succeeded',
    /dashboard-side\.$/,
  ],
  [
    '4 refresh-lock: the message is the word',
    'refresh-lock',
    [send, output, status('ok', 0, 'outdated'), beat('none')],
    'succeeded',
  ],
  [
    '4 refresh-system: status ok even if the word is error',
    'refresh-system',
    [send, output, wait(50 * SECOND), output, status('ok', 0, 'error'), beat('none')],
    'succeeded',
  ],
  ['4 refresh-all', 'refresh-all', [send, output, status('ok', 0, 'all refreshed'), beat('none')], 'succeeded'],
  [
    '4 force-update: no restart, whatever its text claims',
    'force-update',
    [send, output, beat('this'), status('ok', 0, 'force update complete'), beat('none')],
    'succeeded',
  ],
  [
    '4 force-update: a step fails',
    'force-update',
    [send, status('error', 1, 'git pull failed'), beat('none')],
    'failed',
    /^git pull failed\.$/,
  ],
  [
    '4 check-version: ok',
    'check-version',
    [send, output, status('ok', 0, 'running=3.1.5 installed=3.1.5'), beat('none')],
    'succeeded',
  ],
  [
    '4 check-version: warning, exit 0',
    'check-version',
    [send, output, status('warning', 0, 'mismatch: running=3.1.5 installed=9.9.9'), beat('none')],
    'partial',
    /mismatch/,
  ],
  [
    '4 unknown name: an agent that is too old',
    'force-update',
    [send, status('error', 1, 'unknown command'), beat('none')],
    'failed',
    /^unknown command\.$/,
  ],
  ['4 child killed by a signal: exit −1', 'test', [send, status('error', -1), beat('none')], 'failed'],
  ['4 busy: command_rejected', 'pull', [send, refused(false)], 'rejected', /refused/],
  [
    '4 busy: rejected although output of the other one made it look alive',
    'pull',
    [send, output, refused(false)],
    'rejected',
  ],
  [
    '7.8: rejected because it runs already is no error',
    'pull',
    [send, refused(true), is('running'), status('ok', 0), beat('none', MOVED)],
    'succeeded',
  ],
  ['rejected while a stop of it was on its way', 'pull', [send, stop(), refused(false)], 'rejected'],
];

describe('what agents do, by agent protocol, section 4', () => {
  playCases(CASES);
});

describe('deadlines', () => {
  it('1.1/1 the warning’s deadline is the end’s, and activity does not move it', () => {
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

  it('extending is for warnings', () => {
    const play = new Play(OPERATIONS.pull);
    for (const step of [send, output, feed({ type: 'extend', ms: MINUTE })]) step(play);
    expect(deadlineOf(play.state)).toBe(T0 + OPERATIONS.pull.warnAfterMs);
  });
});
