import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FULL, openRunner, type InputOptions } from '../testing/runner-bench';
import { settle } from '../testing/test-fleet';
import type { Turn } from './turn';
import { MAX_KEPT_OF_KEY, type Input } from './turn-runner';

describe('inputs kept while the database refuses writes', () => {
  const kept = { onRefusal: 'retry' } as const;

  it('are processed before a new request when it accepts writes again', async () => {
    const { runner, input, answer, took } = openRunner();
    const first = runner.run(input(['a'], 'result', kept));
    await answer(FULL);
    expect(await first).toBe('full');
    expect(await runner.run(input(['b'], 'a heartbeat', { durable: false }))).toBeNull();
    const second = runner.run(input(['b'], 'second result', kept));
    const refused = runner.run(input(['c'], 'refused'));
    await answer(FULL);
    expect(await Promise.all([second, refused])).toEqual(['full', 'full']);
    const asked = runner.run(input(['c'], 'asked'));
    expect(await answer()).toEqual(['result']);
    expect(await answer()).toEqual(['second result', 'asked']);
    expect(await asked).toBeNull();
    expect([took, runner.keptCount]).toEqual([['a heartbeat', 'result', 'second result', 'asked'], 0]);
  });

  it('keep their order while the database still refuses', async () => {
    const { runner, input, answer, took } = openRunner();
    runner.post(input(['a'], 'one', kept));
    await answer(FULL);
    runner.post(input(['a'], 'two', kept));
    for (let tries = 0; tries < 3; tries += 1) {
      const asked = runner.run(input(['b'], 'asked'));
      await answer(FULL);
      expect(await asked).toBe('full');
    }
    expect(runner.keptCount).toBe(2);
    runner.retryKept();
    await answer();
    await answer();
    expect(took).toEqual(['one', 'two']);
  });

  it('come before an input of their host that needs no write', async () => {
    const { runner, input, answer, took } = openRunner();
    runner.post(input(['a'], 'one', kept));
    await answer(FULL);
    runner.post(input(['a'], 'two', { ...kept, durable: false }));
    expect(took).toEqual([]);
    await answer();
    expect(took).toEqual(['one', 'two']);
  });

  it('about everything are still processed alone', async () => {
    const { runner, input, answer } = openRunner();
    const all = input('everything', 'all', kept);
    const changing = {
      ...all,
      work(turn: Turn) {
        all.work(turn);
        turn.touched.add('a');
      },
    };
    runner.post(changing);
    await answer(FULL);
    runner.post(input(['b'], 'refused'));
    await answer(FULL);
    runner.post({ ...changing, work: (turn) => changing.work(turn) });
    await answer(FULL);
    runner.post(input(['b'], 'asked'));
    expect(await answer()).toEqual(['all']);
    expect(await answer()).toEqual(['all']);
    expect(await answer()).toEqual(['asked']);
  });

  it('are limited in number', async () => {
    const { runner, input, answer } = openRunner();
    for (let n = 0; n <= MAX_KEPT_OF_KEY; n += 1) runner.post(input(['a'], `${n}`, kept));
    await answer(FULL);
    await answer(FULL);
    expect(runner.keptCount).toBe(MAX_KEPT_OF_KEY);
  });

  it.each(['retry', 'drop'] as const)(
    'are decided again, and so is what was decided before (%s)',
    async (onRefusal) => {
      const { runner, input, answer } = openRunner();
      let state = 0;
      const add = (label: string, options: Partial<InputOptions>): Input => ({
        ...input(['a'], label, options),
        work(turn) {
          const next = state + 1;
          turn.withOutput.add(label);
          turn.apply.push(() => {
            state = next;
          });
          turn.effects.push(...turn.apply);
        },
      });
      runner.post(add('one', kept));
      await answer(FULL);
      runner.post(add('two', { onRefusal }));
      await answer();
      await answer();
      expect(state).toBe(2);
    },
  );
});

it('with any refusals every input is processed in its host’s order, and none twice', async () => {
  const one = fc.record({
    keys: fc.constantFrom<readonly string[] | 'everything'>(['a'], ['b'], ['c'], 'everything'),
    durable: fc.boolean(),
    waits: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(one, { maxLength: 40 }), fc.array(fc.boolean()), async (inputs, refusals) => {
      const { runner, input, commits, took } = openRunner();
      const drain = async () => {
        await settle();
        while (commits.length > 0) {
          for (const { answer } of commits.splice(0)) answer(refusals.shift() === true ? FULL : null);
          await settle();
        }
      };
      for (const [index, { keys, durable, waits }] of inputs.entries()) {
        const name = keys === 'everything' ? 'all' : keys[0];
        runner.post(input(keys, `${name} ${index}`, { durable, onRefusal: 'retry' }));
        if (waits) await drain();
      }
      await drain();
      // The database works again.
      refusals.length = 0;
      runner.retryKept();
      await drain();
      const indexOf = (label: string) => Number(label.split(' ')[1]);
      expect(took.map(indexOf).sort((x, y) => x - y)).toEqual(inputs.map((_, index) => index));
      const durable = took.filter((label) => inputs[indexOf(label)]?.durable);
      for (const name of ['a', 'b', 'c']) {
        const order = durable.filter((label) => label.startsWith(name)).map(indexOf);
        expect(order).toEqual([...order].sort((x, y) => x - y));
      }
    }),
    { numRuns: 150 },
  );
});
