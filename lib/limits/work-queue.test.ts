import { expect, it } from 'vitest';
import { KeyedQueue, WorkQueue } from './work-queue';

/** Work that the test ends, and what has begun. */
function openWork() {
  const begun: string[] = [];
  const ends = new Map<string, { resolve: (value: string) => void; reject: (error: Error) => void }>();
  const work = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve, reject) => ends.set(name, { resolve, reject }));
  };
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return { begun, ends, work, turn };
}

it('work runs one piece at a time, also after one that failed', async () => {
  const { begun, ends, work, turn } = openWork();
  const queue = new WorkQueue();
  const first = queue.run(work('first'));
  const second = queue.run(work('second'));
  await turn();
  expect(begun).toEqual(['first']);
  ends.get('first')?.reject(new Error('no'));
  await expect(first).rejects.toThrow('no');
  await turn();
  expect(begun).toEqual(['first', 'second']);
  ends.get('second')?.resolve('done');
  expect(await second).toBe('done');
  await queue.settled();
});

it('only work with the same key waits, and a key without work is forgotten', async () => {
  const { begun, ends, work, turn } = openWork();
  const queue = new KeyedQueue();
  const all = [queue.run('a', work('a1')), queue.run('a', work('a2')), queue.run('b', work('b1'))];
  await turn();
  expect([begun, queue.size]).toEqual([['a1', 'b1'], 2]);
  for (const name of ['a1', 'b1', 'a2']) {
    ends.get(name)?.resolve(name);
    await turn();
  }
  expect(await Promise.all(all)).toEqual(['a1', 'a2', 'b1']);
  expect(queue.size).toBe(0);
});
