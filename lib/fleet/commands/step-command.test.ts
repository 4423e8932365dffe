import { describe, expect, it } from 'vitest';
import { deadlineOf } from './step-command';
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
  // pull
  [
    'pull by an isolated child process: progress, output, status',
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
    'pull: output after the status changes nothing',
    'pull',
    [send, status('ok', 0), output, is('verifying'), beat('none', MOVED)],
    'succeeded',
  ],
  ['pull: nothing new', 'pull', [send, status('ok', 0), beat('none')], 'unchanged'],
  [
    'pull: exit 0, but the host is still behind',
    'pull',
    [send, status('ok', 0), beat('none', { ...MOVED, relation: 'behind', git: bad })],
    'partial',
    /Behind by 1 commit/,
  ],
  [
    'pull: exit 0, but the lock differs',
    'pull',
    [send, status('ok', 0), beat('none', { ...MOVED, lock: bad })],
    'partial',
  ],
  [
    'pull: the feed is older than the pulled commit',
    'pull',
    [send, status('ok', 0), beat('none', { ...MOVED, relation: 'differs', git: bad, lock: bad })],
    'succeeded',
    /does not name it as the desired commit/,
  ],
  [
    'pull: the pulled commit is not known to the desired state yet',
    'pull',
    [send, status('ok', 0), beat('none', { ...MOVED, relation: 'unknown', lock: bad })],
    'succeeded',
  ],
  [
    'pull fails: exit 1 and the message of the Go agent',
    'pull',
    [send, progress('Pulling', 0, 4), status('error', 1, 'exit status 128'), beat('none')],
    'failed',
    /^exit status 128\.$/,
  ],
  [
    'pull by an older agent: a heartbeat still shows it after the status',
    'pull',
    [send, output, status('ok', 0), beat('this', MOVED), is('verifying'), beat('none', MOVED)],
    'succeeded',
  ],
  [
    'the status is judged by a heartbeat after it, not by the one before',
    'pull',
    [send, beat('this', { ...FACTS, git: bad }), status('ok', 0), beat('none', MOVED)],
    'succeeded',
  ],
  [
    'no heartbeat arrives after the status',
    'pull',
    [send, status('ok', 0), wait(HEARTBEAT_ANSWER_MS)],
    'succeeded',
    /no facts arrived in time/,
  ],

  // switch
  [
    'switch on NixOS: status before the exit, then a reconnect',
    'switch',
    [send, progress('Switching', 0, 3), output, status('ok', 0), is('awaiting-reconnect'), beat('this'), ...exit101],
    'succeeded',
  ],
  [
    'switch on NixOS: an unchanged agent binary is not a failure',
    'switch',
    [send, status('ok', 0), ...exit101],
    'succeeded',
  ],
  [
    'switch fails: no restart',
    'switch',
    [send, status('error', 1, 'command failed'), beat('this'), beat('none')],
    'failed',
    /exit code 1/,
  ],
  [
    'switch: exit 0 of an agent that does not restart',
    'switch',
    [send, status('ok', 0), beat('none'), runOut],
    'succeeded',
    /did not restart/,
  ],
  [
    'switch: status ok, and the host never comes back',
    'switch',
    [send, status('ok', 0), wait(500), closed, runOut],
    'timed-out',
    /did not come back/,
  ],
  [
    'switch, protocol 3: the agent announces no restart',
    'switch',
    [send, status('ok', 0, '', false), is('verifying'), beat('none')],
    'succeeded',
  ],
  [
    'switch on macOS: killed without a status, and the agent was replaced',
    'switch',
    [
      send,
      output,
      closed,
      wait(20 * SECOND),
      back('unknown', { facts: REPLACED }),
      is('verifying'),
      beat('none', REPLACED),
    ],
    'succeeded',
    /replaced/,
  ],
  [
    'switch on macOS: killed without a status, same agent, refresh-system answers ok',
    'switch',
    [send, closed, back(), beat('none'), asked('probe-system'), beat('other'), probed('ok')],
    'succeeded',
    /system is current/,
  ],
  [
    'a switch whose frame never arrived is lost: facts do not judge it',
    'switch',
    [send, restarted, back('none'), asked('note')],
    'lost',
    /does not know the command/,
  ],
  [
    'a switch whose frame never arrived is lost, also when the agent was replaced meanwhile',
    'switch',
    [send, closed, back('none', { facts: REPLACED, sameProcess: false }), asked()],
    'lost',
    /does not know the command/,
  ],
  [
    'a switch whose frame never arrived is lost, also when the agent runs another command',
    'switch',
    [send, restarted, back('other'), asked('note')],
    'lost',
    /does not know the command/,
  ],
  [
    'a switch that the agent had shown is judged by facts',
    'switch',
    [send, output, restarted, back('none'), asked('note', 'probe-system'), probed('ok')],
    'succeeded',
  ],
  [
    'an announced result of a switch is awaited',
    'switch',
    [send, restarted, back('none', { hasResult: true }), is('verifying'), status('ok', 0, '', false), beat('none')],
    'succeeded',
  ],
  [
    'a repeatable operation whose frame never arrived is sent again',
    'refresh-git',
    [send, restarted, back('none'), asked('note', 'send-again'), status('ok', 0), beat('none')],
    'succeeded',
  ],
  [
    'a restart whose frame never arrived is lost, although the agent is connected',
    'restart',
    [send, restarted, back('none')],
    'lost',
    /does not know the command/,
  ],
  ['a restart that the agent had started succeeds', 'restart', [send, output, restarted, back('none')], 'succeeded'],
  [
    'switch without a status: refresh-system answers outdated',
    'switch',
    [send, closed, back(), beat('none'), probed('outdated')],
    'failed',
  ],
  [
    'switch without a status: refresh-system answers anything else',
    'switch',
    [send, closed, back(), beat('none'), probed('unknown')],
    'lost',
  ],
  [
    'switch without a status: refresh-system is never answered',
    'switch',
    [send, closed, back(), beat('none'), runOut],
    'lost',
  ],
  [
    'switch on macOS fails before the bootout, with a status',
    'switch',
    [send, status('error', 1), beat('none')],
    'failed',
  ],
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
    'a crash alone does not make a switch succeed',
    'switch',
    [send, output, closed, wait(3 * SECOND), back(), beat('none'), is('verifying'), probed('outdated')],
    'failed',
  ],
  [
    'network failure during a switch; the agent still runs it',
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
    'network failure during a switch; protocol 3 reports at once that it still runs',
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
    'network failure during a switch that lasts beyond its end',
    'switch',
    [send, closed, wait(MINUTE), back('unknown', { facts: REPLACED }), beat('none', REPLACED)],
    'succeeded',
  ],
  [
    'network failure while waiting for evidence; the switch still runs',
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
    'a long switch that the agent reports as "unknown" continues',
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
  ['the host disconnects during a switch and stays away', 'switch', [send, closed, runOut], 'lost', /not known/],
  [
    'an agent in a crash loop does not keep its host busy',
    'switch',
    [
      send,
      ...Array.from({ length: 400 }, () => [closed, wait(5 * SECOND), back(), wait(2 * SECOND), beat('none')]).flat(),
    ],
    'lost',
  ],

  // pull-switch
  [
    'pull-switch: both phases, one status',
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
    'pull-switch: the pull fails, no restart',
    'pull-switch',
    [send, progress('Pulling', 0, 4), status('error', 1, 'exit status 1'), beat('none')],
    'failed',
  ],

  // Other operations
  [
    'test passes',
    'test',
    [send, progress('Testing', 0, 8), progress('Testing', 8, 8), status('ok', 0), beat('this'), beat('none')],
    'succeeded',
  ],
  ['test fails', 'test', [send, status('error', 3), beat('this'), beat('none')], 'failed', /exit code 3/],
  ['rollback', 'rollback', [send, output, status('ok', 0), beat('this'), beat('none')], 'succeeded'],
  ['update', 'update', [send, output, status('ok', 0), beat('this'), beat('none')], 'succeeded'],
  [
    'refresh-git: a heartbeat is requested',
    'refresh-git',
    [send, output, status('ok', 0, 'git status check is dashboard-side'), asked('ask-heartbeat'), beat('none')],
    'succeeded',
    /dashboard-side\.$/,
  ],
  [
    'refresh-lock: the message is the status',
    'refresh-lock',
    [send, output, status('ok', 0, 'outdated'), beat('none')],
    'succeeded',
  ],
  [
    'refresh-system: succeeds even if it reports an error of the system',
    'refresh-system',
    [send, output, wait(50 * SECOND), output, status('ok', 0, 'error'), beat('none')],
    'succeeded',
  ],
  ['refresh-all', 'refresh-all', [send, output, status('ok', 0, 'all refreshed'), beat('none')], 'succeeded'],
  [
    'force-update: no restart, whatever its output claims',
    'force-update',
    [send, output, beat('this'), status('ok', 0, 'force update complete'), beat('none')],
    'succeeded',
  ],
  [
    'force-update: a step fails',
    'force-update',
    [send, status('error', 1, 'git pull failed'), beat('none')],
    'failed',
    /^git pull failed\.$/,
  ],
  [
    'check-version: ok',
    'check-version',
    [send, output, status('ok', 0, 'running=3.1.5 installed=3.1.5'), beat('none')],
    'succeeded',
  ],
  [
    'check-version: warning, exit 0',
    'check-version',
    [send, output, status('warning', 0, 'mismatch: running=3.1.5 installed=9.9.9'), beat('none')],
    'partial',
    /mismatch/,
  ],
  [
    'a command name unknown to an old agent',
    'force-update',
    [send, status('error', 1, 'unknown command'), beat('none')],
    'failed',
    /^unknown command\.$/,
  ],
  ['the child process is killed by a signal: exit −1', 'test', [send, status('error', -1), beat('none')], 'failed'],
  ['busy agent: command_rejected', 'pull', [send, refused(false)], 'rejected', /refused/],
  [
    'rejected although the output of another command made it look alive',
    'pull',
    [send, output, refused(false)],
    'rejected',
  ],
  [
    'rejected because it is already running is not an error',
    'pull',
    [send, refused(true), is('running'), status('ok', 0), beat('none', MOVED)],
    'succeeded',
  ],
  ['rejected while a stop for it was in transit', 'pull', [send, stop(), refused(false)], 'rejected'],
];

describe('how a command ends', () => {
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
