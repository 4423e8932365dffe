import { expect, it } from 'vitest';
import { FairTurns, TURN_MS, TURN_TOTAL_MS } from './fair-turns';

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

it('works through its queue in order, a few milliseconds per turn of the event loop', async () => {
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

it('runs every other job before one that was added again', async () => {
  const { turns, done, job } = setUp();
  turns.add(job('a', TURN_MS, () => turns.add(job('a again', 0))));
  turns.add(job('b', TURN_MS));
  for (let turn = 0; turn < 3; turn += 1) await nextTurn();
  expect(done).toEqual(['a', 'b', 'a again']);
});

it('runs what a cheap job adds in a later turn', async () => {
  const { turns, done, job } = setUp();
  turns.add(job('a', 0, () => turns.add(job('a again', 0))));
  await nextTurn();
  expect(done).toEqual(['a']);
  await nextTurn();
  expect(done).toEqual(['a', 'a again']);
});

it('runs the jobs with the lowest cost first, however many were added before them', async () => {
  const { turns, done, job } = setUp();
  const costs = { heavy: 500, light: 1 };
  for (let each = 0; each < 100; each += 1) turns.add(job('heavy', TURN_MS), () => costs.heavy);
  turns.add(job('light', 1), () => costs.light);
  await nextTurn();
  expect(done).toEqual(['light', 'heavy']);
});

it('counts work done outside the queue until the next turn', async () => {
  const { turns } = setUp();
  turns.spend(TURN_TOTAL_MS - 1);
  expect(turns.isSpent).toBe(false);
  turns.spend(1);
  expect(turns.isSpent).toBe(true);
  await nextTurn();
  expect(turns.isSpent).toBe(false);
});

it('loses no job after one that throws', async () => {
  const { turns, done, job } = setUp();
  const fault = new Promise<unknown>((resolve) => {
    const others = process.rawListeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => {
      for (const listener of others)
        process.on('uncaughtException', (...args) => void Reflect.apply(listener, process, args));
      resolve(error);
    });
  });
  turns.add(() => {
    throw new Error('a fault');
  });
  turns.add(job('b', 0));
  expect(await fault).toMatchObject({ message: 'a fault' });
  await nextTurn();
  await nextTurn();
  expect(done).toEqual(['b']);
});
