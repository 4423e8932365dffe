import { expect, it } from 'vitest';
import { FairTurns, TURN_MS } from './fair-turns';

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A queue on a clock that only work moves. */
function setUp() {
  let nowMs = 0;
  const done: string[] = [];
  const turns = new FairTurns(() => nowMs);
  const job = (name: string, costMs: number, then?: () => void) => () => {
    nowMs += costMs;
    done.push(name);
    then?.();
  };
  return { turns, done, job };
}

it('works off its queue in order, for a few milliseconds in one turn of the event loop', async () => {
  const { turns, done, job } = setUp();
  for (const name of ['a', 'b', 'c', 'd', 'e']) turns.add(job(name, TURN_MS / 2));
  expect(done).toEqual([]);
  await nextTurn();
  expect(done).toEqual(['a', 'b']);
  await nextTurn();
  expect(done).toEqual(['a', 'b', 'c', 'd']);
  await nextTurn();
  expect(done).toEqual(['a', 'b', 'c', 'd', 'e']);
});

it('lets everybody else have a turn before one that comes again', async () => {
  const { turns, done, job } = setUp();
  turns.add(job('a', TURN_MS, () => turns.add(job('a again', 0))));
  turns.add(job('b', TURN_MS));
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
  expect(done).toEqual(['a', 'b', 'a again']);
});

it('runs in a turn of its own what a cheap job adds', async () => {
  const { turns, done, job } = setUp();
  turns.add(job('a', 0, () => turns.add(job('a again', 0))));
  await nextTurn();
  expect(done).toEqual(['a']);
  await nextTurn();
  expect(done).toEqual(['a', 'a again']);
});

it('numbers the turns of the event loop', async () => {
  const { turns } = setUp();
  const first = turns.current;
  expect(turns.current).toBe(first);
  await nextTurn();
  expect(turns.current).not.toBe(first);
});
