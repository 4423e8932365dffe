/** A turn runner without a fleet, as its tests use it. */
import { TurnRunner, type Input, type Refusal } from '../turns/turn-runner';
import type { Turn } from '../turns/turn';
import { TestClock } from './test-clock';
import { settle } from './test-fleet';

/** The refusal of a database whose disk is full. */
export const FULL: Refusal = { reason: 'full', kind: 'storage' };

export interface InputOptions {
  durable: boolean;
  onRefusal: Input['onRefusal'];
  effect: () => void;
}

const NOTHING = () => undefined;

/** A runner whose commits the test answers one by one, and the labels of the turns that took effect, in order. */
export function openRunner() {
  const labels = new Map<Turn, string>();
  const took: string[] = [];
  const logged: string[] = [];
  const commits: { labels: string[]; answer: (refusal: Refusal | null) => void }[] = [];
  let fault: string | null = null;
  const log = (_fields: object, message: string) => logged.push(message);
  const runner = new TurnRunner({
    clock: new TestClock(),
    log: { info: log, warn: log, error: log },
    commit: (turns) =>
      new Promise((resolve) => {
        commits.push({
          labels: turns.map((turn) => labels.get(turn) ?? '?'),
          answer: (refusal) => {
            fault = refusal?.kind === 'storage' ? refusal.reason : null;
            resolve(refusal);
          },
        });
      }),
    takeEffect: (turns) => {
      for (const turn of turns) took.push(labels.get(turn) ?? '?');
      for (const turn of turns) for (const effect of turn.effects) effect();
    },
    fault: () => fault,
  });
  const input = (
    keys: readonly string[] | 'everything',
    label: string,
    { durable = true, onRefusal = 'drop', effect = NOTHING }: Partial<InputOptions> = {},
  ): Input => ({
    keys,
    onRefusal,
    work(turn) {
      labels.set(turn, label);
      if (durable) turn.withOutput.add(label);
      turn.effects.push(effect);
    },
  });
  /** The oldest commit that is not answered yet, answered. */
  async function answer(refusal: Refusal | null = null): Promise<string[]> {
    await settle();
    const next = commits.shift();
    if (!next) throw new Error('nothing is being stored');
    next.answer(refusal);
    await settle();
    return next.labels;
  }
  return { runner, took, logged, commits, input, answer };
}
