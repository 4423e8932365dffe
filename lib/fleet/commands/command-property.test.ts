import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deadlineOf } from './step-command';
import {
  CONFIRM_GRACE_MS,
  EVIDENCE_MS,
  MAX_EXTENSION_MS,
  RECOVERY_MS,
  type CommandInput,
  type Shown,
} from './command-step';
import { type CommandResult, type CommandState } from '../records/command-state';
import type { VerdictFacts } from './command-verdict';
import { OPERATIONS } from '../operations/operations';
import { BEFORE, A_SENTENCE, Play, send, wait, closed, back, stop } from '../testing/command-play';
import { aCheck, aReport, CONFIRM_S, NEW, OLD, sendConfirmed } from '../testing/confirmed-switch';
import { MINUTE, SECOND, T0 } from '../testing/samples';
import type { Operation } from '../operations/operation';
import { CHECK_STATUSES, CONFIRMATION_STAGES } from '@/lib/protocol/agent/confirmation';
import { COMMAND_OUTCOMES } from '@/lib/protocol/command-phases';
import { OPERATION_IDS } from '@/lib/protocol/operation-ids';

const HOUR = 60 * MINUTE;

const text = fc.constantFrom('', 'ok', 'outdated', 'some reason');
const shown = fc.constantFrom<Shown>('this', 'none', 'other', 'unknown');
const compartment = fc.record({
  status: fc.constantFrom('ok' as const, 'outdated' as const, 'error' as const, 'unknown' as const),
  message: fc.constant('So it is.'),
});
const facts: fc.Arbitrary<VerdictFacts> = fc.record({
  generation: fc.constantFrom('', '2c4ef43', '6f27b9a'),
  storePath: fc.constantFrom('', '/nix/store/old', '/nix/store/new'),
  binaryHash: fc.constantFrom('', 'old', 'new'),
  activates: fc.boolean(),
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

/** Inputs that an agent or the network can cause. */
const byAgent: fc.Arbitrary<CommandInput> = fc.oneof(
  fc.constant<CommandInput>({ type: 'activity' }),
  fc.constant<CommandInput>({ type: 'activity', progress: { label: 'Pulling', current: 1, total: 4 } }),
  result.map((value): CommandInput => ({ type: 'result', result: value })),
  fc.boolean().map((isThis): CommandInput => ({ type: 'rejected', isThis, reason: 'The agent refused it.' })),
  fc.record({ shown, facts }).map((value): CommandInput => ({ type: 'heartbeat', ...value })),
  fc
    .record({ shown, facts, hasResult: fc.boolean(), sameProcess: fc.constantFrom(null, true, false) })
    .map((value): CommandInput => ({ type: 'registered', ...value })),
  fc.boolean().map((losesOutput): CommandInput => ({ type: 'disconnected', losesOutput })),
  text.map((reason): CommandInput => ({ type: 'stop-failed', reason })),
  text.map((status): CommandInput => ({ type: 'probed', status })),
  fc
    .record({
      stage: fc.constantFrom(...CONFIRMATION_STAGES),
      check: fc.constantFrom(...CHECK_STATUSES),
      on: fc.constantFrom(OLD, NEW),
      // By the clock of the start: at any time it may be over, or hours away.
      endsAt: fc.constantFrom(null, T0, T0 + 3 * MINUTE, T0 + 24 * HOUR),
    })
    .map(({ stage, check, on, endsAt }): CommandInput => {
      return { type: 'confirmation', report: aReport(stage, [aCheck(check)]), endsAt, on };
    }),
);
/** Inputs that an operator or the dashboard can cause. */
const byDashboard: fc.Arbitrary<CommandInput> = fc.oneof(
  fc
    .constantFrom('stop' as const, 'kill' as const, 'restart' as const, 'reboot' as const)
    .map((how): CommandInput => ({ type: 'stop-requested', how })),
  fc.boolean().map((keep): CommandInput => ({ type: 'answered', keep, by: 'ada' })),
  fc.nat({ max: 2 * MAX_EXTENSION_MS }).map((ms): CommandInput => ({ type: 'extend', ms })),
  fc.integer({ min: -3 * HOUR, max: 3 * HOUR }).map((ms): CommandInput => ({ type: 'time-shifted', ms })),
  fc.constantFrom<CommandInput>(
    { type: 'recovered', losesOutput: true },
    { type: 'tick' },
    { type: 'cancel', reason: 'The operator cancelled it.' },
    { type: 'sent', before: BEFORE },
    { type: 'not-sent', outcome: 'rejected', reason: 'The connection was gone.' },
    { type: 'not-sent', outcome: 'superseded', reason: 'It was requested again.' },
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

/** How far an agent can move the end of a command beyond its hard deadline. */
const slackOf = ({ confirmable, reconnectWithinMs }: Operation) =>
  confirmable ? Math.max(reconnectWithinMs, CONFIRM_S * SECOND + CONFIRM_GRACE_MS) : reconnectWithinMs;

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
    // The deadlines move by the time the wall clock ran ahead.
    if (input.type === 'time-shifted') play.now += input.ms;
    play.feed(input);
    after(play, before, input);
  }
  return play;
}

describe('a command after any sequence of inputs', () => {
  const any = sequenceOf(fc.oneof(byAgent, byDashboard));
  const runs = { numRuns: 1_500 };

  it('ends in at most three ticks and by a time known beforehand', () => {
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

  it('has a finite deadline in every state but ended', () => {
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

  it('ends the same way when the clock is set in between, shifted by the same time', () => {
    const shift = fc.integer({ min: -400 * 24 * HOUR, max: 400 * 24 * HOUR });
    const times = (state: CommandState) =>
      state.phase === 'ended'
        ? [state.at]
        : state.phase === 'queued'
          ? [state.deadline]
          : [state.deadline, state.hardDeadline, state.sentAt];
    const words = (state: CommandState) =>
      JSON.stringify({ ...state, deadline: 0, hardDeadline: 0, sentAt: 0, at: 0 }, (key, value: unknown) =>
        key === 'endsAt' ? 0 : value,
      );
    const moved = (input: CommandInput, by: number): CommandInput =>
      input.type === 'confirmation' && input.endsAt !== null ? { ...input, endsAt: input.endsAt + by } : input;
    fc.assert(
      fc.property(anyOperation, any, any, shift, (operation, first, then, ms) => {
        const plain = run(operation, first);
        const shifted = run(operation, first);
        const endedBefore = plain.state.phase === 'ended';
        shifted.now += ms;
        shifted.feed({ type: 'time-shifted', ms });
        for (const [wait, input] of then) {
          for (const play of [plain, shifted]) {
            play.wait(wait);
            if (input.type === 'time-shifted') play.now += input.ms;
            play.feed(moved(input, play === shifted ? ms : 0));
          }
        }
        for (const play of [plain, shifted]) play.runOut();
        expect(words(shifted.state)).toBe(words(plain.state));
        expect(times(shifted.state)).toEqual(times(plain.state).map((at) => at + (endedBefore ? 0 : ms)));
      }),
      runs,
    );
  });

  it('never leaves the ended state, and ends with a reason; only a late result corrects an open end', () => {
    fc.assert(
      fc.property(anyOperation, any, (operation, sequence) => {
        run(operation, sequence, ({ state }, before, input) => {
          if (before.phase === 'ended') {
            const isOpen = before.outcome === 'lost' || before.outcome === 'timed-out';
            const { phase, at } = before;
            expect(state).toMatchObject(isOpen && input.type === 'result' ? { phase, at } : before);
          }
          if (state.phase === 'ended') expect(state.reason).toMatch(A_SENTENCE);
        });
      }),
      runs,
    );
  });

  it('an agent can’t keep its host busy beyond a fixed time', () => {
    fc.assert(
      fc.property(anyOperation, sequenceOf(byAgent, 120), (operation, sequence) => {
        const latest = T0 + operation.hardAfterMs + slackOf(operation) + EVIDENCE_MS;
        run(operation, sequence, ({ state, now }) => {
          if (now >= latest) expect(state.phase).toBe('ended');
        });
      }),
      runs,
    );
  });

  it('an agent that repeats any input in a loop can’t keep its host busy', () => {
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
        const latest = T0 + operation.hardAfterMs + slackOf(operation) + EVIDENCE_MS;
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
    ['is stopped, and reconnects again and again', 'switch', [stop(), wait(30 * SECOND), closed, back()]],
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
        !(input.type === 'probed' && input.status === 'outdated'),
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

  it('the first status decides: no success after "error" or "stopped", no failure after "ok"', () => {
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

  it('does not succeed without a status, a replaced agent or an answer to the probe', () => {
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

  it('a confirmed switch does not succeed without a result, whatever the host shows', () => {
    const switches = fc.constantFrom(...OPERATION_IDS.map((id) => OPERATIONS[id]).filter((one) => one.confirmable));
    const reported = byAgent.filter(({ type }) => type !== 'result');
    const others = byDashboard.filter(({ type }) => type !== 'target-ended' && type !== 'done');
    fc.assert(
      fc.property(switches, sequenceOf(fc.oneof(reported, others)), (operation, sequence) => {
        const play = new Play(operation);
        sendConfirmed(play);
        for (const [ms, input] of sequence) {
          play.wait(ms);
          if (input.type === 'time-shifted') play.now += input.ms;
          play.feed(input);
        }
        play.runOut();
        expect(['succeeded', 'unchanged', 'partial', 'failed', 'rolled-back']).not.toContain(
          play.state.phase === 'ended' && play.state.outcome,
        );
      }),
      runs,
    );
  });

  it('only repeatable operations are sent again, and only a switch is probed', () => {
    fc.assert(
      fc.property(anyOperation, any, (operation, sequence) => {
        const { effects } = run(operation, sequence);
        if (!operation.mayRepeat) expect(effects).not.toContain('send-again');
        if (operation.ends !== 'switch') expect(effects).not.toContain('probe-system');
      }),
      runs,
    );
  });

  it('each restart of the dashboard adds a bounded time', () => {
    const withRestarts = sequenceOf(
      fc.oneof(byAgent, fc.constant<CommandInput>({ type: 'recovered', losesOutput: true })),
    );
    fc.assert(
      fc.property(anyOperation, withRestarts, (operation, sequence) => {
        const restarts = sequence.filter(([, input]) => input.type === 'recovered').length;
        const latest =
          T0 + operation.hardAfterMs + slackOf(operation) + EVIDENCE_MS + restarts * (RECOVERY_MS + slackOf(operation));
        run(operation, sequence, ({ state, now }) => {
          if (now >= latest) expect(state.phase).toBe('ended');
        });
      }),
      runs,
    );
  });
});
