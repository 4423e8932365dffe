import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DatabaseError } from '@/lib/store/sqlite/store-errors';
import { TestClock } from '../testing/test-clock';
import { BY, openBench, QUIET, settle, type Bench } from '../testing/test-fleet';
import { hostKey, type Turn } from './turn';
import { MAX_BATCH, MAX_KEPT_OF_KEY, MAX_WAITING, TurnRunner, type Input, type Refusal } from './turn-runner';

const N = 20;
const FULL: Refusal = { reason: 'full', kind: 'storage' };
const names = Array.from({ length: N }, (_, n) => `h${n}`);

interface Options {
  durable: boolean;
  onRefusal: Input['onRefusal'];
  effect: () => void;
}
const NOTHING = () => undefined;

/** A runner whose commits the test answers one by one, and the labels of the turns that took effect, in order. */
function openRunner() {
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
    { durable = true, onRefusal = 'drop', effect = NOTHING }: Partial<Options> = {},
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
      const add = (label: string, options: Partial<Options>): Input => ({
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

describe('in the fleet, answers of many hosts', () => {
  let bench: Bench;
  let commits: number;
  beforeEach(async () => {
    bench = await openBench();
    const commit = bench.store.commit.bind(bench.store);
    bench.store.commit = (writes) => {
      commits += 1;
      return commit(writes);
    };
  });
  afterEach(() => bench.close());

  async function pullAll() {
    const links = await Promise.all(names.map((name) => bench.agent(name)));
    const request = { operation: 'pull', hostIds: names, requestId: 'pull', by: BY } as const;
    const results = await bench.fleet.dispatch(request);
    const ids = results.map((result) => (result.kind === 'accepted' ? result.commandId : ''));
    commits = 0;
    return { links, ids };
  }
  const RESULT = { status: 'ok', command: 'pull', exit_code: 0 };

  it('share a few transactions, and each takes effect', async () => {
    const { links, ids } = await pullAll();
    await Promise.all(
      links.flatMap((link) => [
        bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' }),
        bench.say(link, 'status', RESULT),
        bench.say(link, 'heartbeat', QUIET),
      ]),
    );
    expect(commits).toBe(3);
    for (const id of ids) expect(await bench.fleet.command(id)).toMatchObject({ outcome: 'unchanged' });
    for (const name of names) expect(bench.fleet.host(name)?.command).toBeNull();
  });

  it('are not published before they are stored', async () => {
    const { links, ids } = await pullAll();
    let atCommit: (string | undefined)[] = [];
    const commit = bench.store.commit.bind(bench.store);
    bench.store.commit = async (writes) => {
      const stored = await commit(writes);
      atCommit = names.map((name) => bench.fleet.host(name)?.command?.phase);
      return stored;
    };
    await Promise.all(links.map((link) => bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' })));
    expect(new Set(atCommit)).toEqual(new Set(['sent']));
    for (const id of ids) expect((await bench.fleet.command(id))?.phase).toBe('running');
  });

  it('are kept while the database refuses, and processed afterwards', async () => {
    const { links, ids } = await pullAll();
    const commit = bench.store.commit.bind(bench.store);
    bench.store.commit = () => Promise.reject(new DatabaseError('disk-full', 'The disk is full.'));
    await Promise.all(links.map((link) => bench.say(link, 'status', { ...RESULT, status: 'error', exit_code: 1 })));
    for (const id of ids) expect((await bench.fleet.command(id))?.phase).toBe('sent');
    bench.store.commit = commit;
    await bench.advance(5_000);
    for (const link of links) await bench.say(link, 'heartbeat', QUIET);
    for (const id of ids) expect((await bench.fleet.command(id))?.outcome).toBe('failed');
  });

  it('are stored when the dashboard stops', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('pull');
    void bench.say(link, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    await bench.fleet.stop();
    expect((await bench.store.command(id))?.state.phase).toBe('running');
  });

  it('are acknowledged after they are stored', async () => {
    const link = await bench.agent('h1', { protocol: 3, instance: 'a', running: null, finished: [] });
    const id = await bench.dispatch('pull');
    const commit = bench.store.commit.bind(bench.store);
    let framesAtCommit: string[] = [];
    bench.store.commit = async (writes) => {
      const stored = await commit(writes);
      framesAtCommit = link.frames.map(({ type }) => type);
      return stored;
    };
    await bench.say(link, 'status', { ...RESULT, command_id: id, last_seq: 0 });
    expect(framesAtCommit).not.toContain('ack');
    expect(link.frames).toContainEqual({ type: 'ack', payload: { command_id: id, result: true } });
  });

  it('come before the end of their connection', async () => {
    const link = await bench.agent('h1');
    const id = await bench.dispatch('pull');
    void bench.say(link, 'status', { status: 'error', command: 'pull', exit_code: 1 });
    await bench.hangUp(link);
    expect(await bench.fleet.command(id)).toMatchObject({ phase: 'verifying' });
  });
});
