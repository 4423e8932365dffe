import { describe, expect, it } from 'vitest';
import { openRunner } from '../testing/runner-bench';
import { settle } from '../testing/test-fleet';
import { hostKey } from './turn';
import { MAX_BATCH, MAX_WAITING, type Refusal } from './turn-runner';

describe('inputs', () => {
  it('of many hosts that come together share a transaction', async () => {
    const { runner, input, answer, took } = openRunner();
    for (const name of ['a', 'b', 'c']) runner.post(input([name], name));
    expect(await answer()).toEqual(['a', 'b', 'c']);
    expect(took).toEqual(['a', 'b', 'c']);
  });

  it('gather while a transaction is on its way', async () => {
    const { runner, input, answer } = openRunner();
    runner.post(input(['a'], 'a1'));
    await settle();
    for (const name of ['b', 'c', 'a']) runner.post(input([name], `${name}2`));
    expect(await answer()).toEqual(['a1']);
    expect(await answer()).toEqual(['b2', 'c2', 'a2']);
  });

  it('of one host keep their order, one transaction each', async () => {
    const { runner, input, answer, took } = openRunner();
    for (const label of ['1', '2', '3']) runner.post(input(['a'], label));
    runner.post(input(['b'], 'b'));
    expect(await answer()).toEqual(['1', 'b']);
    expect(await answer()).toEqual(['2']);
    expect(await answer()).toEqual(['3']);
    expect(took).toEqual(['1', 'b', '2', '3']);
  });

  it('without a write take effect at once, but not before an earlier one of their host', async () => {
    const { runner, input, answer, took } = openRunner();
    runner.post(input(['a'], 'a1'));
    runner.post(input(['b'], 'b1', { durable: false }));
    runner.post(input(['a'], 'a2', { durable: false }));
    expect(took).toEqual(['b1']);
    await answer();
    expect(took).toEqual(['b1', 'a1', 'a2']);
  });

  it('that depend on everything come after all earlier ones and before all later ones', async () => {
    const { runner, input, answer, took } = openRunner();
    runner.post(input(['a'], 'a1'));
    runner.post(input('everything', 'all'));
    runner.post(input(['b'], 'b1'));
    runner.post(input(['c'], 'c1', { durable: false }));
    expect(await answer()).toEqual(['a1']);
    expect(await answer()).toEqual(['all']);
    expect(await answer()).toEqual(['b1']);
    expect(took).toEqual(['a1', 'all', 'c1', 'b1']);
  });

  it('that depend on everything wait for a transaction on its way', async () => {
    const { runner, input, answer, took } = openRunner();
    runner.post(input(['a'], 'a1'));
    await settle();
    runner.post(input('everything', 'all', { durable: false }));
    expect(took).toEqual([]);
    await answer();
    expect(took).toEqual(['a1', 'all']);
  });

  it('of several hosts keep the order of each of them', async () => {
    const { runner, input, answer } = openRunner();
    runner.post(input(['a'], 'a'));
    runner.post(input(['a', 'b'], 'a and b'));
    runner.post(input(['b'], 'b'));
    runner.post(input(['c'], 'c'));
    expect(await answer()).toEqual(['a', 'c']);
    expect(await answer()).toEqual(['a and b']);
    expect(await answer()).toEqual(['b']);
  });

  it('share a transaction up to a limit', async () => {
    const { runner, input, answer } = openRunner();
    for (let n = 0; n <= MAX_BATCH; n += 1) runner.post(input([`${n}`], `${n}`));
    expect(await answer()).toHaveLength(MAX_BATCH);
    expect(await answer()).toEqual([`${MAX_BATCH}`]);
  });

  it('that depend on everything delay, while they are being stored, only the hosts that they change', async () => {
    const { runner, input, answer, took } = openRunner();
    const all = input('everything', 'all');
    runner.post({
      ...all,
      work(turn) {
        all.work(turn);
        turn.touched.add('a');
      },
    });
    await settle();
    runner.post(input([hostKey('a')], 'a', { durable: false }));
    runner.post(input([hostKey('b')], 'b', { durable: false }));
    expect(took).toEqual(['b']);
    await answer();
    expect(took).toEqual(['b', 'all', 'a']);
  });

  it('are answered after their turn has taken effect', async () => {
    const { runner, input, answer, took } = openRunner();
    const seen = runner.run(input(['a'], 'a')).then((reason) => [reason, ...took]);
    await answer();
    expect(await seen).toEqual([null, 'a']);
  });

  it('caused by an effect come after those that wait for the same host', async () => {
    const { runner, input, answer } = openRunner();
    const effect = () => runner.post(input(['a'], 'caused'));
    runner.post(input(['a'], 'first', { effect }));
    runner.post(input(['a'], 'second'));
    expect(await answer()).toEqual(['first']);
    expect(await answer()).toEqual(['second']);
    expect(await answer()).toEqual(['caused']);
  });

  it('are processed although the work of one of them throws', async () => {
    const { runner, input, answer, logged } = openRunner();
    const poison = () => {
      throw new Error('poison');
    };
    runner.post({ keys: ['a'], onRefusal: 'retry', work: poison });
    runner.post(input(['a'], 'a'));
    expect(await answer()).toEqual(['a']);
    expect(logged).toEqual(['processing an input failed; it was dropped']);
    await expect(runner.run({ keys: ['a'], onRefusal: 'drop', work: poison })).rejects.toThrow('poison');
  });

  it('are stored although one of them violates a constraint', async () => {
    const { runner, input, answer, took } = openRunner();
    const answers = ['a', 'b', 'c'].map((name) => runner.run(input([name], name, { onRefusal: 'retry' })));
    const broken: Refusal = { reason: 'It breaks a rule.', kind: 'constraint' };
    expect(await answer(broken)).toEqual(['a', 'b', 'c']);
    expect(await answer()).toEqual(['a']);
    expect(await answer(broken)).toEqual(['b']);
    expect(await answer()).toEqual(['c']);
    expect(await Promise.all(answers)).toEqual([null, 'It breaks a rule.', null]);
    expect([took, runner.keptCount]).toEqual([['a', 'c'], 0]);
  });

  it('are refused beyond a limit', async () => {
    const { runner, input, answer, logged } = openRunner();
    for (let n = 0; n < MAX_WAITING; n += 1) runner.post(input(['a'], `${n}`));
    expect(await runner.run(input(['a'], 'one more'))).toContain('too much to store');
    expect(logged).toHaveLength(1);
    await answer();
    runner.post(input(['a'], 'and on'));
    expect(runner.waitingCount).toBe(MAX_WAITING - 1);
  });

  it('leave the runner idle in the end', async () => {
    const { runner, input, answer } = openRunner();
    const seen: string[] = [];
    runner.post(input(['a'], 'a'));
    void runner.idle().then(() => {
      seen.push('idle');
    });
    void runner.whenFree('a').then(() => {
      seen.push('free');
    });
    await settle();
    expect(seen).toEqual([]);
    await answer();
    expect(seen).toEqual(['free', 'idle']);
    await Promise.all([runner.idle(), runner.whenFree('a')]);
  });
});
