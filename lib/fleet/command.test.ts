import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMMAND_OUTCOMES, OPERATION_IDS, type CommandOutcome, type OperationId } from '@/lib/protocol/live';
import { deadlineOf, stepCommand } from './command';
import {
  EVIDENCE_MS,
  HEARTBEAT_ANSWER_MS,
  MAX_EXTENSION_MS,
  QUEUED_MS,
  RECOVERY_MS,
  STOP_MS,
  type CommandEffect,
  type CommandInput,
  type Shown,
} from './command-step';
import { commandStateSchema, type CommandResult, type CommandState } from './command-state';
import type { Facts } from './command-verdict';
import { OPERATIONS, type Operation } from './operations';
import { MINUTE, SECOND, T0 } from './testing/samples';

const BEFORE = { generation: '2c4ef43', storePath: '/nix/store/old', binaryHash: 'old' };
const good = { status: 'ok', message: 'As it should be.' } as const;
const bad = { status: 'outdated', message: 'Behind by 1 commit.' } as const;
const FACTS: Facts = { ...BEFORE, relation: 'equal', git: good, lock: good, system: good };
const MOVED: Facts = { ...FACTS, generation: '6f27b9a' };
const REPLACED: Facts = { ...FACTS, storePath: '/nix/store/new', binaryHash: 'new' };
const A_SENTENCE = /^\S.*[.!?…]$/s;

/** A command with a clock, driven as the fleet drives it: a tick comes when it is due, not before. */
class Play {
  state: CommandState = { phase: 'queued', deadline: T0 + QUEUED_MS };
  now = T0;
  readonly effects: CommandEffect['type'][] = [];

  constructor(readonly operation: Operation) {}

  feed(input: CommandInput): void {
    const { state, effects } = stepCommand(this.operation, this.state, input, this.now);
    // As it is stored and read again.
    this.state = commandStateSchema.parse(JSON.parse(JSON.stringify(state)));
    expect(this.state).toEqual(state);
    this.effects.push(...effects.map(({ type }) => type));
  }

  wait(ms: number): void {
    const until = this.now + ms;
    for (let due = deadlineOf(this.state); due !== null && due <= until; due = deadlineOf(this.state)) {
      this.now = Math.max(this.now, due);
      const before = this.state;
      this.feed({ type: 'tick' });
      expect(this.state, 'a tick that is due moves the command on').not.toEqual(before);
    }
    this.now = until;
  }

  /** Nothing happens any more but that time goes by. */
  runOut(): void {
    this.wait(100 * 60 * MINUTE);
  }
}

type Step = (play: Play) => void;
const feed =
  (input: CommandInput): Step =>
  (play) =>
    play.feed(input);
const send = feed({ type: 'sent', before: BEFORE });
const wait =
  (ms: number): Step =>
  (play) =>
    play.wait(ms);
const runOut: Step = (play) => play.runOut();
const output = feed({ type: 'activity' });
const progress = (label: string, current: number, total: number) =>
  feed({ type: 'activity', progress: { label, current, total } });
const status = (
  word: CommandResult['status'],
  exitCode: number | null,
  message = '',
  restarting: boolean | null = null,
) => feed({ type: 'result', result: { status: word, exitCode, message, restarting } });
const beat = (shown: Shown, facts: Facts = FACTS) => feed({ type: 'heartbeat', shown, facts });
const closed = feed({ type: 'disconnected' });
const back = (
  shown: Shown = 'unsaid',
  { facts = FACTS, hasResult = false, sameProcess = null as boolean | null } = {},
) => feed({ type: 'registered', shown, hasResult, sameProcess, facts });
const stop = (how: 'stop' | 'kill' | 'restart' | 'reboot' = 'stop') => feed({ type: 'stop-requested', how });
const stopFailed = feed({ type: 'stop-failed', reason: 'no command running' });
const refused = (isThis: boolean) => feed({ type: 'rejected', isThis, reason: 'The agent refused it: busy.' });
const probed = (word: string) => feed({ type: 'probed', word });
const restarted = feed({ type: 'recovered' });
const targetEnded = (outcome: CommandOutcome) => feed({ type: 'target-ended', outcome });
const is =
  (phase: CommandState['phase']): Step =>
  ({ state }) =>
    expect(state.phase).toBe(phase);
const asked =
  (...effects: CommandEffect['type'][]): Step =>
  (play) =>
    expect(play.effects.splice(0)).toEqual(effects);
/** The Go agent after a switch: 500 ms, close 1000, exit 101, systemd restart, register. */
const exit101: Step[] = [wait(500), closed, wait(3 * SECOND), back()];

type Case = [rule: string, operation: OperationId, steps: Step[], outcome: CommandOutcome, reason?: RegExp];

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

  // Section 4, stop and kill, as the stopped command sees them
  [
    '4 stop, idle agent: "no command running" — the command goes on (isolated pull)',
    'pull',
    [
      send,
      output,
      stop(),
      is('stopping'),
      stopFailed,
      is('running'),
      asked('note'),
      status('ok', 0),
      beat('none', MOVED),
    ],
    'succeeded',
  ],
  [
    '4 stop, busy, NixOS: "stopped" arrives, the agent goes down with it',
    'switch',
    [send, output, stop(), status('stopped', 130, 'terminated by user'), closed, back(), beat('none')],
    'stopped',
    /terminated by user/,
  ],
  [
    '4 stop, busy, NixOS: "stopped" does not arrive (7.5)',
    'switch',
    [send, output, stop(), closed, wait(3 * SECOND), back(), is('stopping'), beat('none')],
    'lost',
    /may still be running/,
  ],
  [
    '4 stop, busy, macOS: two statuses, the first counts (7.4)',
    'switch',
    [send, stop(), status('stopped', 130), status('error', -1), beat('none')],
    'stopped',
  ],
  ['4 stop: only the child’s own status arrives', 'test', [send, stop(), status('error', -1), beat('none')], 'stopped'],
  [
    '4 stop: it ended well before the stop took effect',
    'test',
    [send, stop(), status('ok', 0), beat('none')],
    'succeeded',
  ],
  ['4 stop: it failed by itself', 'test', [send, stop(), status('error', 2), beat('none')], 'failed'],
  [
    '4 stop: nothing is said, and the agent no longer shows it',
    'test',
    [send, beat('this'), stop(), beat('none'), asked('ask-heartbeat'), beat('none')],
    'stopped',
  ],
  [
    '7.5: network drop during a stop; the agent still runs it',
    'switch',
    [
      send,
      stop(),
      closed,
      back(),
      beat('this'),
      is('stopping'),
      wait(EVIDENCE_MS),
      is('warning'),
      status('error', 1),
      beat('none'),
    ],
    'failed',
  ],
  [
    'a stop without effect: the operator is asked',
    'switch',
    [
      send,
      stop(),
      beat('this'),
      wait(STOP_MS),
      is('warning'),
      stop('kill'),
      is('stopping'),
      status('stopped', -1),
      beat('none'),
    ],
    'stopped',
  ],
  [
    'a stop after which the host stays away',
    'switch',
    [send, stop(), closed, runOut],
    'timed-out',
    /may still be running/,
  ],
  [
    '4 kill_command busy: output, the agent dies (1006), no status',
    'switch',
    [send, stop('kill'), output, closed, back(), beat('none')],
    'lost',
  ],
  [
    'protocol 3: the stopped command’s own result',
    'switch',
    [send, stop(), status('stopped', 143, '', false), beat('none')],
    'stopped',
  ],
  [
    'protocol 3: the result follows the reconnect',
    'switch',
    [
      send,
      stop(),
      closed,
      back('none', { hasResult: true, sameProcess: true }),
      status('stopped', 143, '', false),
      beat('none'),
    ],
    'stopped',
  ],
  [
    'restart while busy: its command ends with it',
    'test',
    [send, output, stop('restart'), closed, back(), is('stopping'), beat('none')],
    'stopped',
    /restart of the agent/,
  ],
  [
    'restart while busy, protocol 3',
    'test',
    [send, stop('restart'), closed, back('none', { sameProcess: false })],
    'stopped',
  ],
  [
    'restart while busy, but only the network dropped: nothing is claimed',
    'test',
    [
      send,
      stop('restart'),
      closed,
      back('this', { sameProcess: true }),
      is('stopping'),
      beat('this'),
      status('ok', 0),
      beat('none'),
    ],
    'succeeded',
  ],
  [
    '… protocol 2 shows it in the heartbeat',
    'test',
    [send, stop('restart'), closed, back(), beat('this'), is('stopping'), status('error', 1), beat('none')],
    'failed',
  ],
  [
    'reboot while busy',
    'switch',
    [send, stop('reboot'), closed, wait(2 * MINUTE), back(), beat('none')],
    'stopped',
    /reboot of the host/,
  ],

  // Section 4, the controls themselves
  [
    '4 stop, idle: error "no command running"',
    'stop',
    [send, status('error', 1, 'no command running')],
    'failed',
    /no command running\.$/,
  ],
  ['4 stop, busy: its target was stopped', 'stop', [send, targetEnded('stopped')], 'succeeded'],
  [
    '4 stop, busy, NixOS: the agent goes down with it (lesson 74)',
    'stop',
    [send, closed, is('awaiting-reconnect'), back(), targetEnded('stopped')],
    'succeeded',
  ],
  [
    '4 stop: nobody knows what became of its target',
    'stop',
    [send, closed, back(), targetEnded('lost')],
    'lost',
    /may still be running/,
  ],
  ['4 stop: its target ended by itself', 'stop', [send, targetEnded('succeeded')], 'unchanged'],
  ['4 stop: protocol 3 answers it', 'stop', [send, status('ok', 0, '', false)], 'succeeded'],
  [
    '4 kill of what the agent ran of its own: never a status, but it no longer runs',
    'kill',
    [send, output, wait(4 * SECOND), beat('other'), beat('none'), beat('none')],
    'succeeded',
  ],
  ['4 kill: the agent dies, and nobody tells of the target', 'kill', [send, closed, back(), runOut], 'lost'],
  ['1.6/74 a stop that nobody answers', 'stop', [send, runOut], 'timed-out'],
  [
    '4 restart: never a status; ends by reconnect',
    'restart',
    [send, closed, wait(3 * SECOND), back()],
    'succeeded',
    /came back/,
  ],
  [
    '4 restart, protocol 3: a new process',
    'restart',
    [send, closed, back('none', { sameProcess: false })],
    'succeeded',
  ],
  [
    '4 restart, protocol 3: the same process is no restart',
    'restart',
    [send, closed, back('none', { sameProcess: true }), is('running'), runOut],
    'timed-out',
    /No restart was seen/,
  ],
  [
    '4 restart, protocol 3: … the restart comes later',
    'restart',
    [send, closed, back('none', { sameProcess: true }), closed, back('none', { sameProcess: false })],
    'succeeded',
  ],
  ['4 restart: the agent never comes back', 'restart', [send, closed, runOut], 'timed-out', /did not come back/],
  ['1.6/74, 3.2/8 a restart without effect ends', 'restart', [send, beat('none'), runOut], 'timed-out'],
  [
    'a restart that an agent acknowledges still has to be seen',
    'restart',
    [send, status('ok', 0), is('sent'), closed, back()],
    'succeeded',
  ],
  [
    '4 reboot: output, 3 s, the socket ends, the host comes back',
    'reboot',
    [send, output, wait(3 * SECOND), closed, wait(4 * MINUTE), back()],
    'succeeded',
  ],
  [
    '4 reboot failed: it says so in its output alone, and stays',
    'reboot',
    [send, output, output, beat('none'), wait(MINUTE), is('warning'), beat('none'), runOut],
    'timed-out',
    /No restart was seen/,
  ],
  ['4 reboot: a slow one', 'reboot', [send, closed, wait(14 * MINUTE), back()], 'succeeded'],
  ['4 reboot: never back', 'reboot', [send, closed, runOut], 'timed-out'],

  // Sections 1, 5, 7: what gets lost
  [
    '1.12: a status lost while disconnected; two heartbeats without it (7.3)',
    'pull',
    [send, output, closed, wait(MINUTE), back(), beat('none'), asked('ask-heartbeat'), beat('none')],
    'lost',
    /no result arrived/,
  ],
  ['1.12: … protocol 3 says at once that it has nothing', 'pull', [send, closed, back('none')], 'lost'],
  [
    '1.12: … protocol 3 has kept the result',
    'pull',
    [send, closed, back('none', { hasResult: true }), status('ok', 0, '', false), beat('none', MOVED)],
    'succeeded',
  ],
  [
    '1.12: … it announced a result that never came',
    'pull',
    [send, closed, back('none', { hasResult: true }), runOut],
    'lost',
  ],
  [
    '1.12: network drop in mid-pull; the agent still runs it',
    'pull',
    [send, closed, back(), beat('this'), is('running'), status('ok', 0), beat('none', MOVED)],
    'succeeded',
  ],
  [
    '7.3: a status lost without a drop',
    'test',
    [send, beat('this'), wait(10 * SECOND), beat('none'), beat('none')],
    'lost',
  ],
  [
    'a heartbeat that was on its way when the command was sent says nothing',
    'test',
    [send, beat('none'), beat('none'), is('sent'), output, status('ok', 0), beat('none')],
    'succeeded',
  ],
  [
    'one heartbeat without it says nothing yet',
    'test',
    [send, wait(4 * SECOND), beat('none'), output, beat('none'), is('running'), status('ok', 0), beat('none')],
    'succeeded',
  ],
  [
    'a look may be repeated when nobody knows whether it arrived',
    'refresh-lock',
    [
      send,
      closed,
      back(),
      beat('none'),
      beat('none'),
      asked('ask-heartbeat', 'send-again'),
      is('sent'),
      status('ok', 0, 'ok'),
      beat('none'),
    ],
    'succeeded',
  ],
  [
    'a pull is never repeated',
    'pull',
    [send, closed, back(), beat('none'), beat('none'), asked('ask-heartbeat')],
    'lost',
  ],
  [
    'lesson 3.1.3, 7.4: two statuses, the first counts',
    'test',
    [send, status('error', 1), status('ok', 0), beat('none')],
    'failed',
  ],
  [
    '… also for a switch that succeeded',
    'switch',
    [send, status('ok', 0), status('error', -1), ...exit101],
    'succeeded',
  ],
  [
    '5: a line too long hangs the agent for ever',
    'switch',
    [send, beat('this'), wait(10 * MINUTE), is('warning'), beat('this'), runOut],
    'timed-out',
    /may still be running/,
  ],
  [
    'the operator gives it more time',
    'pull',
    [
      send,
      output,
      wait(2 * MINUTE),
      is('warning'),
      feed({ type: 'extend', ms: 20 * MINUTE }),
      is('running'),
      wait(15 * MINUTE),
      is('running'),
      status('ok', 0),
      beat('none', MOVED),
    ],
    'succeeded',
  ],
  ['nobody answers the warning', 'pull', [send, wait(2 * MINUTE), is('warning'), runOut], 'timed-out'],
  ['never sent', 'pull', [runOut], 'expired'],
  [
    'never sent: the link was gone',
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

  // A restart of the dashboard (lesson 77, 3.2.15)
  [
    '1.6/77 dashboard restart in mid-switch; the agent still runs it',
    'switch',
    [
      send,
      output,
      restarted,
      asked('note'),
      is('awaiting-reconnect'),
      wait(5 * SECOND),
      back(),
      beat('this'),
      is('running'),
      status('ok', 0),
      ...exit101,
    ],
    'succeeded',
  ],
  [
    '1.6/77 … its status went out while the dashboard was away',
    'pull',
    [send, output, restarted, back(), beat('none'), beat('none')],
    'lost',
  ],
  ['1.6/77 … the host never comes back', 'pull', [send, output, restarted, runOut], 'lost'],
  [
    '1.6/77 after status ok of a switch',
    'switch',
    [send, status('ok', 0), restarted, wait(3 * SECOND), back()],
    'succeeded',
  ],
  [
    '1.6/77 between a status and its post-check',
    'pull',
    [send, status('ok', 0), restarted, back(), is('verifying'), beat('none', { ...MOVED, git: bad })],
    'partial',
  ],
  [
    '1.6/77 an error that was heard is not forgotten, also when the host stays away',
    'test',
    [send, status('error', 3), restarted, runOut],
    'failed',
    /exit code 3/,
  ],
  [
    '1.6/77 a success that was heard is not forgotten either',
    'test',
    [send, status('ok', 0), restarted, runOut],
    'succeeded',
  ],
  [
    '1.6/77 the second restart of the dashboard',
    'switch',
    [
      send,
      restarted,
      wait(9 * MINUTE),
      restarted,
      wait(9 * MINUTE),
      back(),
      beat('this'),
      is('running'),
      status('ok', 0),
      ...exit101,
    ],
    'succeeded',
  ],
  [
    '1.6/77 in the middle of a stop',
    'switch',
    [send, stop(), restarted, back(), beat('none'), probed('unknown')],
    'lost',
  ],
  [
    '1.6/77 in the middle of a probe',
    'switch',
    [send, closed, back(), beat('none'), restarted, back(), beat('none'), probed('ok')],
    'succeeded',
  ],
  ['1.6/77 a stop whose target is found to have ended', 'stop', [send, restarted, targetEnded('lost')], 'lost'],
  ['1.6/77 a restart of the agent', 'restart', [send, restarted, back()], 'succeeded'],
  ['1.6/77 before it was sent', 'pull', [restarted, runOut], 'expired'],

  // The dashboard's own
  ['merge-pr ends with its result', 'merge-pr', [send, status('ok', 0, 'Merged #42.')], 'succeeded', /^Merged #42\.$/],
  [
    'merge-pr: what its host does is none of its business',
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
  ['merge-pr: nobody knows after a restart of the dashboard', 'merge-pr', [send, restarted], 'lost'],
  ['merge-pr: no answer', 'merge-pr', [send, runOut], 'timed-out'],
];

describe('the sequences of agent protocol, section 4, and the oddities of 1 to 7', () => {
  it.each(CASES)('%s (%s)', (_rule, operation, steps, outcome, reason = A_SENTENCE) => {
    const play = new Play(OPERATIONS[operation]);
    for (const step of steps) step(play);
    // An end is what frees the host: nothing else holds it.
    expect(play.state).toMatchObject({ phase: 'ended', outcome });
    if (play.state.phase !== 'ended') return;
    expect(play.state.reason).toMatch(A_SENTENCE);
    expect(play.state.reason).toMatch(reason);
    expect(deadlineOf(play.state)).toBeNull();
  });

  it('names every rule once', () => {
    expect(new Set(CASES.map(([rule]) => rule)).size).toBe(CASES.length);
  });
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

// ── any sequence ────────────────────────────────────────────────────────────────────────────────────────────────────

const text = fc.constantFrom('', 'ok', 'outdated', 'some reason');
const shown = fc.constantFrom<Shown>('this', 'none', 'other', 'unsaid');
const compartment = fc.record({
  status: fc.constantFrom('ok' as const, 'outdated' as const, 'error' as const, 'unknown' as const),
  message: fc.constant('So it is.'),
});
const facts: fc.Arbitrary<Facts> = fc.record({
  generation: fc.constantFrom('', '2c4ef43', '6f27b9a'),
  storePath: fc.constantFrom('', '/nix/store/old', '/nix/store/new'),
  binaryHash: fc.constantFrom('', 'old', 'new'),
  relation: fc.constantFrom(
    'equal' as const,
    'behind' as const,
    'ahead' as const,
    'differs' as const,
    'unknown' as const,
  ),
  git: compartment,
  lock: compartment,
  system: compartment,
});
const result: fc.Arbitrary<CommandResult> = fc.record({
  status: fc.constantFrom('ok' as const, 'error' as const, 'stopped' as const, 'warning' as const),
  exitCode: fc.constantFrom(null, -1, 0, 1, 130),
  message: text,
  restarting: fc.constantFrom(null, true, false),
});

/** What an agent and the network can do. */
const byAgent: fc.Arbitrary<CommandInput> = fc.oneof(
  fc.constant<CommandInput>({ type: 'activity' }),
  fc.constant<CommandInput>({ type: 'activity', progress: { label: 'Pulling', current: 1, total: 4 } }),
  result.map((value): CommandInput => ({ type: 'result', result: value })),
  fc.boolean().map((isThis): CommandInput => ({ type: 'rejected', isThis, reason: 'The agent refused it.' })),
  fc.record({ shown, facts }).map((value): CommandInput => ({ type: 'heartbeat', ...value })),
  fc
    .record({ shown, facts, hasResult: fc.boolean(), sameProcess: fc.constantFrom(null, true, false) })
    .map((value): CommandInput => ({ type: 'registered', ...value })),
  fc.constant<CommandInput>({ type: 'disconnected' }),
  text.map((reason): CommandInput => ({ type: 'stop-failed', reason })),
  text.map((word): CommandInput => ({ type: 'probed', word })),
);
/** What an operator and the dashboard can do. */
const byDashboard: fc.Arbitrary<CommandInput> = fc.oneof(
  fc
    .constantFrom('stop' as const, 'kill' as const, 'restart' as const, 'reboot' as const)
    .map((how): CommandInput => ({ type: 'stop-requested', how })),
  fc.nat({ max: 2 * MAX_EXTENSION_MS }).map((ms): CommandInput => ({ type: 'extend', ms })),
  fc.constantFrom<CommandInput>(
    { type: 'recovered' },
    { type: 'tick' },
    { type: 'cancel', reason: 'The operator cancelled it.' },
    { type: 'sent', before: BEFORE },
    { type: 'not-sent', outcome: 'rejected', reason: 'The connection was gone.' },
    { type: 'not-sent', outcome: 'superseded', reason: 'It was asked for again.' },
    { type: 'not-sent', outcome: 'skipped', reason: 'It could not be done.' },
    { type: 'host-removed' },
    { type: 'done', ending: { outcome: 'succeeded', reason: 'It is done.', exitCode: null } },
    { type: 'done', ending: { outcome: 'failed', reason: 'It was refused.', exitCode: null } },
  ),
  fc.constantFrom(...COMMAND_OUTCOMES).map((outcome): CommandInput => ({ type: 'target-ended', outcome })),
);
const pause = fc.oneof(fc.constant(0), fc.nat({ max: 5 * SECOND }), fc.nat({ max: 20 * MINUTE }));
const anyOperation = fc.constantFrom(...OPERATION_IDS).map((id) => OPERATIONS[id]);
const sequenceOf = (input: fc.Arbitrary<CommandInput>, maxLength = 40) =>
  fc.array(fc.tuple(pause, input), { maxLength });

/** Plays a sequence with a tick whenever one is due; calls back after each step. */
function run(
  operation: Operation,
  sequence: readonly (readonly [number, CommandInput])[],
  after: (play: Play, before: CommandState, input: CommandInput) => void = () => undefined,
): Play {
  const play = new Play(operation);
  send(play);
  for (const [ms, input] of sequence) {
    play.wait(ms);
    const before = play.state;
    play.feed(input);
    after(play, before, input);
  }
  return play;
}

describe('any sequence of inputs', () => {
  const any = sequenceOf(fc.oneof(byAgent, byDashboard));
  const runs = { numRuns: 1_500 };

  it('1.1/19, 1.6/74 ends, in at most three ticks and by a time that is known beforehand', () => {
    fc.assert(
      fc.property(anyOperation, any, (operation, sequence) => {
        const play = run(operation, sequence);
        if (play.state.phase === 'ended') return;
        const { state } = play;
        const latest =
          state.phase === 'queued'
            ? state.deadline
            : Math.max(state.deadline, state.hardDeadline) + operation.reconnectWithinMs;
        let ticks = 0;
        for (let due = deadlineOf(play.state); due !== null; due = deadlineOf(play.state)) {
          play.now = Math.max(play.now, due);
          play.feed({ type: 'tick' });
          ticks += 1;
          expect(ticks).toBeLessThanOrEqual(3);
        }
        expect(play.now).toBeLessThanOrEqual(Math.max(latest, state.deadline));
      }),
      runs,
    );
  });

  it('1.1/6 has a finite deadline in every state but the end', () => {
    fc.assert(
      fc.property(anyOperation, any, (operation, sequence) => {
        run(operation, sequence, ({ state }) => {
          if (state.phase === 'ended') return;
          expect(Number.isFinite(state.deadline)).toBe(true);
          if (state.phase !== 'queued') expect(Number.isFinite(state.hardDeadline)).toBe(true);
        });
      }),
      runs,
    );
  });

  it('never leaves an end, and an end has a reason', () => {
    fc.assert(
      fc.property(anyOperation, any, (operation, sequence) => {
        run(operation, sequence, ({ state }, before) => {
          if (before.phase === 'ended') expect(state).toEqual(before);
          if (state.phase === 'ended') expect(state.reason).toMatch(A_SENTENCE);
        });
      }),
      runs,
    );
  });

  it('nothing that an agent does keeps its host busy beyond a fixed time (lesson 54)', () => {
    fc.assert(
      fc.property(anyOperation, sequenceOf(byAgent, 120), (operation, sequence) => {
        const latest = T0 + operation.hardAfterMs + operation.reconnectWithinMs + EVIDENCE_MS;
        run(operation, sequence, ({ state, now }) => {
          if (now >= latest) expect(state.phase).toBe('ended');
        });
      }),
      runs,
    );
  });

  it('… nor does anything that it does over and over', () => {
    const cycle = fc.array(
      fc.tuple(
        fc.nat({ max: 40 * SECOND }).map((ms) => ms + SECOND),
        byAgent,
      ),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    fc.assert(
      fc.property(anyOperation, cycle, (operation, inputs) => {
        const latest = T0 + operation.hardAfterMs + operation.reconnectWithinMs + EVIDENCE_MS;
        const play = new Play(operation);
        send(play);
        while (play.now < latest) {
          for (const [ms, input] of inputs) {
            play.wait(ms);
            play.feed(input);
          }
        }
        expect(play.state.phase).toBe('ended');
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    ['registers again and again', 'switch', [wait(30 * SECOND), back()]],
    ['is stopped, and goes away again and again', 'switch', [stop(), wait(30 * SECOND), closed, back()]],
    [
      'drops and comes back without a restart',
      'restart',
      [wait(30 * SECOND), closed, back('this', { sameProcess: true })],
    ],
    [
      'drops and comes back without a reboot',
      'reboot',
      [wait(30 * SECOND), closed, back('this', { sameProcess: true })],
    ],
  ] as const)('an agent that %s: %s ends', (_name, operation, steps) => {
    const play = new Play(OPERATIONS[operation]);
    send(play);
    const { hardAfterMs, reconnectWithinMs } = play.operation;
    while (play.now < T0 + hardAfterMs + reconnectWithinMs + EVIDENCE_MS) for (const step of steps) step(play);
    expect(play.state.phase).toBe('ended');
  });

  it('a status "ok" never yields "failed"', () => {
    const onlyGood = byAgent.filter(
      (input) =>
        (input.type !== 'result' || input.result.status === 'ok') &&
        !(input.type === 'probed' && input.word === 'outdated'),
    );
    fc.assert(
      fc.property(anyOperation, sequenceOf(onlyGood), (operation, sequence) => {
        const play = run(operation, sequence);
        play.runOut();
        expect(play.state).not.toMatchObject({ outcome: 'failed' });
      }),
      runs,
    );
  });

  it('the first status decides: after "error" or "stopped" it never succeeds, after "ok" it never fails', () => {
    const lives = fc.constantFrom(...OPERATION_IDS.map((id) => OPERATIONS[id]).filter(({ ends }) => ends !== 'target'));
    fc.assert(
      fc.property(lives, result, sequenceOf(byAgent), (operation, first, sequence) => {
        fc.pre(operation.ends !== 'reconnect');
        const play = run(operation, [[0, { type: 'result', result: first }], ...sequence]);
        play.runOut();
        if (first.status === 'ok') expect(play.state).not.toMatchObject({ outcome: 'failed' });
        if (first.status === 'error') expect(play.state).toMatchObject({ outcome: 'failed' });
        if (first.status === 'stopped') expect(play.state).toMatchObject({ outcome: 'stopped' });
      }),
      runs,
    );
  });

  it('1.6/80, 3.2/11 without a status, a changed agent or an answer to the probe, nothing succeeds', () => {
    const said = byAgent
      .filter(({ type }) => type !== 'result' && type !== 'probed')
      .map((input) =>
        input.type === 'heartbeat' || input.type === 'registered'
          ? { ...input, facts: { ...input.facts, storePath: '/nix/store/old', binaryHash: 'old' } }
          : input,
      );
    const judged = fc.constantFrom(
      ...OPERATION_IDS.map((id) => OPERATIONS[id]).filter(({ ends }) => ends === 'status' || ends === 'switch'),
    );
    // `done` is the verdict on what a version-1 agent reported, which is its status.
    const others = byDashboard.filter(({ type }) => type !== 'target-ended' && type !== 'done');
    fc.assert(
      fc.property(judged, sequenceOf(fc.oneof(said, others)), (operation, sequence) => {
        const play = run(operation, sequence);
        play.runOut();
        expect(play.state).not.toMatchObject({ outcome: 'succeeded' });
        expect(play.state).not.toMatchObject({ outcome: 'unchanged' });
        expect(play.state).not.toMatchObject({ outcome: 'failed' });
      }),
      runs,
    );
  });

  it('only what may be repeated is sent again, and only a switch is probed', () => {
    fc.assert(
      fc.property(anyOperation, any, (operation, sequence) => {
        const { effects } = run(operation, sequence);
        if (!operation.mayRepeat) expect(effects).not.toContain('send-again');
        if (operation.ends !== 'switch') expect(effects).not.toContain('probe-system');
      }),
      runs,
    );
  });

  it('1.6/77 each restart of the dashboard adds a bounded time', () => {
    const withRestarts = sequenceOf(fc.oneof(byAgent, fc.constant<CommandInput>({ type: 'recovered' })));
    fc.assert(
      fc.property(anyOperation, withRestarts, (operation, sequence) => {
        const restarts = sequence.filter(([, input]) => input.type === 'recovered').length;
        const latest =
          T0 +
          operation.hardAfterMs +
          operation.reconnectWithinMs +
          EVIDENCE_MS +
          restarts * (RECOVERY_MS + operation.reconnectWithinMs);
        run(operation, sequence, ({ state, now }) => {
          if (now >= latest) expect(state.phase).toBe('ended');
        });
      }),
      runs,
    );
  });
});
