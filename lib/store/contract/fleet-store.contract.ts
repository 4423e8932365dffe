/** The contract of `FleetStore` for commits, deletion and refusal; each kind of record has a separate file. */
import { describe, expect, it } from 'vitest';
import type { FleetStore, FleetWrites } from '@/lib/fleet/records/store-port';
import {
  endedCommand,
  testCommand,
  testEvent,
  testHost,
  testOutput,
  testPipeline,
  testPipelineHost,
  textOf,
} from '../sqlite/testing/sample-records';
import { CONSTRAINT, LARGEST, REFUSAL, throughClone, type Open, useStore } from './contract';

const METRICS = { cpu: 1.5, ram: null, swap: 0, load: 0.25 };
const ENDED = { phase: 'ended', at: 5, outcome: 'failed', exitCode: 1, reason: 'No.' } as const;

/** One of everything, about a separate host. */
function oneOfEach(name: string): FleetWrites {
  return {
    hosts: [testHost(name)],
    commands: [testCommand(name, name)],
    output: [testOutput(name, 1, 3)],
    metrics: [{ hostId: name, at: 1, metrics: METRICS }],
    pipelines: [testPipeline(name)],
    pipelineHosts: [testPipelineHost(name, name)],
    events: [testEvent(name, { hostId: name })],
  };
}

export function fleetStoreContract(name: string, open: Open<FleetStore>): void {
  describe(`fleet: ${name}`, () => {
    let store: FleetStore;
    const { reopen, refuse } = useStore(open, (made) => (store = throughClone(made)));

    /** What all reads together show of the things that `oneOfEach` writes under these names. */
    async function stateOf(names: readonly string[]) {
      const { hosts, ...commands } = await store.load();
      return {
        hosts: new Map(hosts.map((host) => [host.id, host])),
        commands,
        byId: await Promise.all(names.map((id) => store.command(id))),
        ofHosts: await Promise.all(names.map((id) => store.commandsOf(id, 10))),
        byRequest: await Promise.all(names.map((id) => store.commandsByRequest(`request-${id}`, names))),
        output: await Promise.all(names.map((id) => store.output(id, 0, 100))),
        events: await store.events({ limit: 500 }),
        unended: await store.unendedPipelines(),
        pipelines: await store.pipelines(100),
        pipelineById: await Promise.all(names.map((id) => store.pipeline(id))),
        pipelineByRequest: await Promise.all(names.map((id) => store.pipelineByRequest(`request-${id}`))),
      };
    }

    describe('a commit', () => {
      it('is answered in the order of the calls, and seen by each read that is asked after its answer', async () => {
        await store.commit({ hosts: [testHost('a')], commands: [testCommand('c', 'a')] });
        const numbers = Array.from({ length: 200 }, (_, index) => index + 1);
        const answered: number[] = [];
        await Promise.all(
          numbers.map(async (number) => {
            const command = testCommand('c', 'a', { lines: number });
            const event = testEvent(`event ${number}`);
            const added = await store.commit({
              commands: [command],
              output: [testOutput('c', number, number)],
              events: [event],
            });
            answered.push(number);
            expect(added.map((one) => [one.id, textOf(one)])).toEqual([[number, `event ${number}`]]);
            const [stored, lines, events, [newest]] = await Promise.all([
              store.command('c'),
              store.output('c', number - 1, 1),
              store.events({ before: number + 1, limit: 1 }),
              store.commandsOf('a', 1),
            ]);
            expect(stored?.lines).toBeGreaterThanOrEqual(number);
            expect(newest?.lines).toBeGreaterThanOrEqual(number);
            expect(lines.map(({ seq }) => seq)).toEqual([number]);
            expect(events).toEqual(added);
          }),
        );
        expect(answered).toEqual(numbers);
        expect((await store.command('c'))?.lines).toBe(200);
      });

      it('may refer to what it adds itself', async () => {
        const added = await store.commit(oneOfEach('a'));
        const command = testCommand('a', 'a');
        const run = { pipeline: testPipeline('a'), hosts: [testPipelineHost('a', 'a')] };
        expect(await stateOf(['a'])).toEqual({
          hosts: new Map([['a', testHost('a')]]),
          commands: { commands: [command], lastEnded: [] },
          byId: [command],
          ofHosts: [[command]],
          byRequest: [[command]],
          output: [testOutput('a', 1, 3).lines],
          events: added,
          unended: [run],
          pipelines: [
            {
              pipeline: run.pipeline,
              counts: { waiting: 1, running: 0, done: 0, failed: 0, 'rolled-back': 0, refused: 0, skipped: 0 },
            },
          ],
          pipelineById: [run],
          pipelineByRequest: [run],
        });
      });

      it('that is empty changes nothing', async () => {
        expect(await store.commit({})).toEqual([]);
        const nothing = {
          hosts: [],
          removedHosts: [],
          commands: [],
          output: [],
          metrics: [],
          pipelines: [],
          events: [],
        };
        expect(await store.commit({ ...nothing, pipelineHosts: [] })).toEqual([]);
        expect((await store.load()).hosts).toEqual([]);
      });

      it.each<[string, FleetWrites]>([
        ['a command of an unknown host', { commands: [testCommand('bad', 'nothing')] }],
        ['a second command of a request', { commands: [testCommand('bad', 'a', { requestId: 'request-a' })] }],
        ['an end without an outcome', { commands: [testCommand('bad', 'a', { state: ENDED })] }],
        ['an outcome without an end', { commands: [testCommand('bad', 'a', { outcome: 'failed' })] }],
        ['output of an unknown command', { output: [testOutput('bad', 1, 1)] }],
        ['output that overlaps', { output: [testOutput('b', 4, 5), testOutput('b', 5, 6)] }],
        ['metrics of an unknown host', { metrics: [{ hostId: 'bad', at: 1, metrics: METRICS }] }],
        ['a second pipeline of a request', { pipelines: [testPipeline('bad', { requestId: 'request-a' })] }],
        ['a pipeline that ended without an outcome', { pipelines: [testPipeline('bad', { phase: 'ended' })] }],
        ['a host of an unknown pipeline', { pipelineHosts: [testPipelineHost('bad', 'a')] }],
      ])('with %s at its end writes nothing of its start', async (_what, bad) => {
        const names = ['a', 'b', 'bad'];
        await store.commit(oneOfEach('a'));
        const before = await stateOf(names);
        const good = oneOfEach('b');
        const writes: FleetWrites = {
          ...good,
          hosts: [...(good.hosts ?? []), testHost('a', { name: 'changed' })],
          commands: [...(good.commands ?? []), ...(bad.commands ?? [])],
          output: [...(good.output ?? []), ...(bad.output ?? [])],
          metrics: [...(good.metrics ?? []), ...(bad.metrics ?? [])],
          pipelines: [...(good.pipelines ?? []), ...(bad.pipelines ?? [])],
          pipelineHosts: [...(good.pipelineHosts ?? []), ...(bad.pipelineHosts ?? [])],
        };
        await expect(store.commit(writes)).rejects.toMatchObject(CONSTRAINT);
        expect(await stateOf(names)).toEqual(before);
        // The failed commit took no id.
        expect(await store.commit(good)).toMatchObject([{ id: 2, params: { reason: 'b' } }]);
      });

      it('that fails does not stop those that were sent after it', async () => {
        const results = await Promise.allSettled([
          store.commit({ hosts: [testHost('a')] }),
          store.commit({ hosts: [testHost('b')], commands: [testCommand('bad', 'nothing')] }),
          store.commit({ commands: [testCommand('c', 'a')] }),
        ]);
        expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
        const { hosts, commands } = await store.load();
        expect([hosts.map(({ id }) => id), commands.map(({ id }) => id)]).toEqual([['a'], ['c']]);
      });

      it('stores its records as they were when it was called', async () => {
        const host = testHost('a');
        const hosts = [host];
        const committed = store.commit({ hosts });
        host.name = 'changed';
        hosts.push(testHost('b'));
        await committed;
        expect((await store.load()).hosts).toEqual([testHost('a')]);
      });
    });

    describe('deletion', () => {
      it('removes hosts with what the same commit wrote about them; events, pipelines and other hosts stay', async () => {
        await store.commit(oneOfEach('a'));
        await store.commit(oneOfEach('b'));
        await store.commit({
          ...oneOfEach('c'),
          commands: [testCommand('c', 'c'), testCommand('of a', 'a')],
          output: [testOutput('of a', 1, 3), testOutput('a', 4, 5)],
          removedHosts: ['a', 'c', 'nothing'],
        });
        const names = ['a', 'b', 'c', 'of a'];
        const { hosts, commands, byId, output, events, pipelineById } = await stateOf(names);
        expect([...hosts.keys()]).toEqual(['b']);
        expect(commands).toEqual({ commands: [testCommand('b', 'b')], lastEnded: [] });
        expect(byId).toEqual([null, testCommand('b', 'b'), null, null]);
        expect(output).toEqual([[], testOutput('b', 1, 3).lines, [], []]);
        expect(events.map(textOf)).toEqual(['c', 'b', 'a']);
        expect(pipelineById.map((run) => run?.hosts.length)).toEqual([1, 1, 1, undefined]);
        // Nothing of the removed host comes back with a new one of its id.
        await store.commit({ hosts: [testHost('a')] });
        expect(await store.commandsOf('a', 10)).toEqual([]);
        expect(await store.forgetSome('a', 10)).toBe(0);
      });

      it('forgets one host in slices, between which others write, and ends with a slice that is not full', async () => {
        await store.commit({
          hosts: [testHost('a'), testHost('b')],
          commands: [
            ...Array.from({ length: 25 }, (_, index) => endedCommand(`a${index}`, 'a', 5)),
            testCommand('open', 'a'),
            endedCommand('b', 'b', 5),
          ],
          output: [
            ...Array.from({ length: 25 }, (_, index) => testOutput(`a${index}`, 1, 2)),
            testOutput('open', 1, 2),
            testOutput('b', 1, 2),
          ],
          metrics: ['a', 'b'].flatMap((hostId) =>
            Array.from({ length: 30 }, (_, at) => ({ hostId, at, metrics: METRICS })),
          ),
        });
        const slices: number[] = [];
        do {
          slices.push(await store.forgetSome('a', 10));
          await store.commit({ events: [testEvent(`after slice ${slices.length}`)] });
        } while (slices.at(-1) === 10);
        expect(slices.slice(0, -1)).toEqual(Array<number>(slices.length - 1).fill(10));
        expect(slices.length).toBeGreaterThan(5);
        expect(await store.commandsOf('a', 100)).toEqual([testCommand('open', 'a')]);
        expect(await store.output('open', 0, 10)).toEqual([]);
        expect(await store.output('b', 0, 10)).toHaveLength(2);
        expect(await store.command('b')).not.toBeNull();
        expect(await store.forgetSome('a', 10)).toBe(0);
        expect(await store.forgetSome('nothing', 10)).toBe(0);
        expect(await store.forgetSome('b', 1_000)).toBeLessThan(1_000);
        expect(await store.command('b')).toBeNull();
      });

      it('counts one sample of metrics for each moment: a repeated one replaces the first', async () => {
        await store.commit({ hosts: [testHost('a')] });
        const at = (time: number, cpu: number | null) => ({ hostId: 'a', at: time, metrics: { ...METRICS, cpu } });
        await store.commit({ metrics: [at(1, 5), at(LARGEST, null), at(1, 6)] });
        await store.commit({ metrics: [at(LARGEST, 7)] });
        await reopen();
        expect(await store.forgetSome('a', 10)).toBe(2);
      });
    });

    it('changes nothing when the database refuses the write, and can still be read', async () => {
      const names = ['a', 'b'];
      await store.commit(oneOfEach('a'));
      await store.commit({ commands: [endedCommand('ended', 'a', 5)] });
      const before = await stateOf(names);
      await refuse(true);
      const changed = { name: 'changed', reason: 'changed' };
      for (const write of [
        () => store.commit(oneOfEach('b')),
        () => store.commit({ hosts: [testHost('a', { name: changed.name })] }),
        () => store.commit({ removedHosts: ['a'] }),
        () => store.commit({ commands: [testCommand('a', 'a', { reason: changed.reason })] }),
        () => store.commit({ output: [testOutput('a', 4, 4)] }),
        () => store.commit({ metrics: [{ hostId: 'a', at: 2, metrics: METRICS }] }),
        () => store.commit({ pipelines: [testPipeline('a', { reason: changed.reason })] }),
        () => store.commit({ pipelineHosts: [testPipelineHost('a', 'b')] }),
        () => store.commit({ events: [testEvent('refused')] }),
        () => store.forgetSome('a', 10),
      ]) {
        await expect(write()).rejects.toMatchObject(REFUSAL);
      }
      expect(await stateOf(names)).toEqual(before);
      await refuse(false);
      expect(await store.commit(oneOfEach('b'))).toMatchObject([{ id: 2 }]);
      await reopen();
      expect((await stateOf(names)).byId).toEqual([testCommand('a', 'a'), testCommand('b', 'b')]);
      expect(await store.forgetSome('a', 10)).toBeGreaterThan(0);
    });
  });
}
