/** Plays the state machine of one command: named inputs, and a clock whose ticks come when they are due. */
import { expect, it } from 'vitest';
import { deadlineOf, stepCommand } from '../commands/step-command';
import { QUEUED_MS, type CommandEffect, type CommandInput, type Shown } from '../commands/command-step';
import { commandStateSchema, type CommandResult, type CommandState } from '../records/command-state';
import type { VerdictFacts } from '../commands/command-verdict';
import { OPERATIONS } from '../operations/operations';
import { MINUTE, T0 } from './samples';
import type { Operation } from '../operations/operation';
import type { CommandOutcome } from '@/lib/protocol/command-phases';
import type { OperationId } from '@/lib/protocol/operation-ids';

export const BEFORE = { generation: '2c4ef43', storePath: '/nix/store/old', binaryHash: 'old' };
const good = { status: 'ok', message: 'As it should be.' } as const;
export const FACTS: VerdictFacts = {
  ...BEFORE,
  activates: false,
  relation: 'equal',
  git: good,
  lock: good,
  system: good,
};
export const REPLACED: VerdictFacts = { ...FACTS, storePath: '/nix/store/new', binaryHash: 'new' };
export const A_SENTENCE = /^\S.*[.!?…]$/s;

/** A command with a clock, driven as the fleet drives it: each tick comes when it is due. */
export class Play {
  state: CommandState = { phase: 'queued', deadline: T0 + QUEUED_MS };
  now = T0;
  readonly effects: CommandEffect['type'][] = [];
  /** The answers to a confirmed switch that were sent, oldest first: "keep", "operator keep", "operator revert". */
  readonly answers: string[] = [];

  constructor(readonly operation: Operation) {}

  feed(input: CommandInput): void {
    const { state, effects } = stepCommand(this.operation, this.state, input, this.now);
    // As stored and read again.
    this.state = commandStateSchema.parse(JSON.parse(JSON.stringify(state)));
    expect(this.state).toEqual(state);
    this.effects.push(...effects.map(({ type }) => type));
    for (const effect of effects) {
      if (effect.type !== 'confirm') continue;
      this.answers.push(`${effect.byOperator ? 'operator ' : ''}${effect.keep ? 'keep' : 'revert'}`);
    }
  }

  wait(ms: number): void {
    const until = this.now + ms;
    for (let due = deadlineOf(this.state); due !== null && due <= until; due = deadlineOf(this.state)) {
      this.now = Math.max(this.now, due);
      const before = this.state;
      this.feed({ type: 'tick' });
      expect(this.state, 'a due tick changes the state').not.toEqual(before);
    }
    this.now = until;
  }

  /** Lets time pass without any other input. */
  runOut(): void {
    this.wait(100 * 60 * MINUTE);
  }
}

export type Step = (play: Play) => void;
export const feed =
  (input: CommandInput): Step =>
  (play) =>
    play.feed(input);
export const send = feed({ type: 'sent', before: BEFORE });
export const wait =
  (ms: number): Step =>
  (play) =>
    play.wait(ms);
export const runOut: Step = (play) => play.runOut();
export const output = feed({ type: 'activity' });
export const status = (
  outcome: CommandResult['status'],
  exitCode: number | null,
  message = '',
  restarting: boolean | null = null,
) => feed({ type: 'result', result: { status: outcome, exitCode, message, restarting } });
export const beat = (shown: Shown, facts: VerdictFacts = FACTS) => feed({ type: 'heartbeat', shown, facts });
export const closed = feed({ type: 'disconnected', losesOutput: false });
export const back = (
  shown: Shown = 'unknown',
  { facts = FACTS, hasResult = false, sameProcess = null as boolean | null } = {},
) => feed({ type: 'registered', shown, hasResult, sameProcess, facts });
export const stop = (how: 'stop' | 'kill' | 'restart' | 'reboot' = 'stop') => feed({ type: 'stop-requested', how });
export const probed = (status: string) => feed({ type: 'probed', status });
export const restarted = feed({ type: 'recovered', losesOutput: false });
export const is =
  (phase: CommandState['phase']): Step =>
  ({ state }) =>
    expect(state.phase).toBe(phase);
export const asked =
  (...effects: CommandEffect['type'][]): Step =>
  (play) =>
    expect(play.effects.splice(0)).toEqual(effects);
export type Case = [title: string, operation: OperationId, steps: Step[], outcome: CommandOutcome, reason?: RegExp];

/** Plays each case to its end, which must have the expected outcome and a reason that is a sentence. */
export function playCases(cases: readonly Case[]): void {
  it.each(cases.map((one) => [...one] as const))(
    '%s (%s)',
    (_title, operation, steps, outcome, reason = A_SENTENCE) => {
      const play = new Play(OPERATIONS[operation]);
      for (const step of steps) step(play);
      // Only the end frees the host.
      expect(play.state).toMatchObject({ phase: 'ended', outcome });
      if (play.state.phase !== 'ended') return;
      expect(play.state.reason).toMatch(A_SENTENCE);
      expect(play.state.reason).toMatch(reason);
      expect(deadlineOf(play.state)).toBeNull();
    },
  );

  it('has a different title for every case', () => {
    expect(new Set(cases.map(([title]) => title)).size).toBe(cases.length);
  });
}
