/** The contract of `MaintenanceStore`, with the records of `FleetStore` and `SettingsStore` that it looks after. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_RETENTION, type RetentionLimits } from '../sqlite/retention';
import {
  endedCommand,
  testCommand,
  testEvent,
  testEventOf,
  testHost,
  testOutput,
  testPipeline,
  testPipelineHost,
} from '../sqlite/testing/sample-records';
import type { RetentionAnswer } from '../thread/maintenance-store';
import type { StorePorts } from '../thread/store-engine';
import { REFUSAL, throughClone, type Open, useStore } from './contract';

export type MaintainedStores = Pick<StorePorts, 'fleet' | 'settings' | 'maintenance'>;

const DAY_MS = 86_400_000;
const NOW = 1_000 * DAY_MS;
const MAX_ROWS_PER_STEP = 2_000;
const daysAgo = (days: number) => NOW - days * DAY_MS;

export function maintenanceStoreContract(name: string, open: Open<MaintainedStores>): void {
  describe(`maintenance: ${name}`, () => {
    let stores: MaintainedStores;
    const { reopen, refuse } = useStore(open, ({ fleet, settings, maintenance }) => {
      stores = { fleet: throughClone(fleet), settings: throughClone(settings), maintenance: throughClone(maintenance) };
    });

    /** Steps until the pass ends; answers of `deleted` are put together by table. */
    async function runPass(limits: Partial<RetentionLimits> = {}) {
      await stores.maintenance.beginRetention({ ...DEFAULT_RETENTION, ...limits }, NOW);
      const deleted: Record<string, number> = {};
      for (;;) {
        const answer: RetentionAnswer = await stores.maintenance.retentionStep();
        if (answer.kind !== 'deleted') return { deleted, end: answer };
        expect(answer.step.rows).toBeLessThanOrEqual(MAX_ROWS_PER_STEP);
        deleted[answer.step.table] = (deleted[answer.step.table] ?? 0) + answer.step.rows;
      }
    }
    const oldCommand = (id: string, days: number) =>
      endedCommand(id, 'a', daysAgo(days), { createdAt: daysAgo(days) - 1, lines: 3, outputSize: 100 });

    it('says whether writes are accepted, and leaves no trace of the try', async () => {
      expect(await stores.maintenance.checkWritable()).toEqual({ kind: 'writable' });
      await refuse(true);
      expect(await stores.maintenance.checkWritable()).toEqual({
        kind: 'refused',
        reason: expect.stringMatching(/./) as string,
      });
      await refuse(false);
      expect(await stores.maintenance.checkWritable()).toEqual({ kind: 'writable' });
      expect(await stores.settings.get('health.probe')).toBeNull();
    });

    it('lists the migrations from the oldest on, the same after a reopening and when it refuses', async () => {
      const applied = await stores.maintenance.appliedMigrations();
      const times = applied.map(({ createdAt }) => createdAt);
      expect(times.length).toBeGreaterThan(0);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      await reopen();
      await refuse(true);
      expect(await stores.maintenance.appliedMigrations()).toEqual(applied);
    });

    it('gives the time of the newest event before another time', async () => {
      expect(await stores.maintenance.newestEventBefore(NOW)).toBeNull();
      await stores.fleet.commit({ events: [5, 9, 7].map((at) => testEvent('an event', { at })) });
      expect(await stores.maintenance.newestEventBefore(NOW)).toBe(9);
      expect(await stores.maintenance.newestEventBefore(9)).toBe(7);
      expect(await stores.maintenance.newestEventBefore(5)).toBeNull();
    });

    it('gives the link of the newest event, which changes with each event and nothing else', async () => {
      expect(await stores.maintenance.newestEvents()).toEqual([]);
      const hashes = new Set<string | undefined>();
      for (const id of [1, 2, 3]) {
        await stores.fleet.commit({ events: [testEvent('the same')] });
        const [link] = await stores.maintenance.newestEvents();
        expect(link).toEqual({ chain: 'main', id, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
        hashes.add(link?.hash);
      }
      expect(hashes.size).toBe(3);
      const last = await stores.maintenance.newestEvents();
      await stores.fleet.commit({ hosts: [testHost('a')] });
      await reopen();
      expect(await stores.maintenance.newestEvents()).toEqual(last);
    });

    it('gives the newest link of each chain, which the events of the other do not change', async () => {
      await stores.fleet.commit({ events: [testEventOf('agent', 'a'), testEventOf('agent', 'b'), testEvent('c')] });
      const links = await stores.maintenance.newestEvents();
      expect(links.map(({ chain, id }) => [chain, id])).toEqual([
        ['main', 3],
        ['peers', 2],
      ]);
      await stores.fleet.commit({ events: [testEventOf('agent', 'd')] });
      const later = await stores.maintenance.newestEvents();
      expect(later[0]).toEqual(links[0]);
      expect(later[1]).toMatchObject({ chain: 'peers', id: 4 });
    });

    it('deletes in steps what exceeds its limits and nothing else, while others write', async () => {
      const metrics = { cpu: 1, ram: 2, swap: 3, load: 4 };
      await stores.fleet.commit({
        hosts: [testHost('a')],
        commands: [
          oldCommand('ancient', 181),
          oldCommand('old', 31),
          oldCommand('young', 29),
          testCommand('open', 'a', { createdAt: daysAgo(400), lines: 3, outputSize: 100 }),
        ],
        output: ['ancient', 'old', 'young', 'open'].map((id) => testOutput(id, 1, 3)),
        metrics: Array.from({ length: 2_500 }, (_, index) => ({ hostId: 'a', at: daysAgo(91) + index, metrics })),
        pipelines: [
          testPipeline('ended', { phase: 'ended', outcome: 'succeeded', endedAt: daysAgo(181) }),
          testPipeline('running', { createdAt: daysAgo(400) }),
        ],
        pipelineHosts: ['ended', 'running'].map((id) => testPipelineHost(id, 'a')),
      });
      await stores.fleet.commit({ metrics: [{ hostId: 'a', at: daysAgo(89), metrics }] });
      const { deleted, end } = await runPass();
      expect(end).toEqual({ kind: 'finished' });
      expect(deleted).toMatchObject({ commands: 1, metric_samples: 2_500, pipelines: 1 });
      const outputs = ['ancient', 'old', 'young', 'open'].map((id) => stores.fleet.output(id, 0, 10));
      expect((await Promise.all(outputs)).map(({ length }) => length)).toEqual([0, 0, 3, 3]);
      expect(await stores.fleet.command('ancient')).toBeNull();
      expect(await stores.fleet.command('old')).toMatchObject({ lines: 3, outputSize: 0 });
      expect((await stores.fleet.pipelines(10)).map(({ pipeline }) => pipeline.id)).toEqual(['running']);
      expect((await runPass()).deleted).toEqual({});
    });

    it('deletes events only after the event that anchors the rest is stored', async () => {
      const events = Array.from({ length: 2_600 }, (_, index) => testEvent(String(index), { at: daysAgo(1) + index }));
      await stores.fleet.commit({ events });
      const first = await runPass({ eventRows: 100 });
      expect(first.deleted).toEqual({});
      expect(await stores.maintenance.retentionStep()).toEqual({ kind: 'finished' });
      // Without the anchor, it asks again and deletes nothing.
      const second = await runPass({ eventRows: 100 });
      expect(second).toEqual(first);
      expect((await stores.fleet.events({ limit: 1, before: 2 })).map(({ id }) => id)).toEqual([1]);
      if (first.end.kind !== 'record') throw new Error('no event is asked for');
      await stores.fleet.commit({ events: first.end.events });
      expect(await runPass({ eventRows: 100 })).toEqual({ deleted: { events: 2_500 }, end: { kind: 'finished' } });
      expect(await stores.fleet.events({ limit: 500, before: 2_501 })).toEqual([]);
      expect(await stores.fleet.events({ limit: 500 })).toHaveLength(101);
      const idsAfter = async (id: number) => (await stores.fleet.eventsAfter(id, 2)).map((event) => event.id);
      expect([await idsAfter(0), await idsAfter(2_499), await idsAfter(2_550)]).toEqual([
        [2_501, 2_502],
        [2_501, 2_502],
        [2_551, 2_552],
      ]);
      expect((await stores.maintenance.newestEvents()).map(({ id }) => id)).toEqual([2_601]);
    });

    it('deletes what agents cause beyond a quarter of the limit, and nothing else; each chain has its anchor', async () => {
      const days = (days: number) => Array.from({ length: 60 }, (_, index) => ({ at: daysAgo(days) + index }));
      await stores.fleet.commit({ events: days(2).map((head) => testEvent('main', head)) });
      await stores.fleet.commit({ events: days(1).map((head) => testEventOf('agent', 'peers', head)) });
      const first = await runPass({ eventRows: 80 });
      if (first.end.kind !== 'record') throw new Error('no event is asked for');
      expect(first.end.events.map(({ params }) => params)).toMatchObject([
        { upTo: 100, chain: 'peers', eventRows: 20 },
      ]);
      await stores.fleet.commit({ events: first.end.events });
      expect(await runPass({ eventRows: 80 })).toEqual({ deleted: { events: 40 }, end: { kind: 'finished' } });
      const ids = (await stores.fleet.eventsAfter(0, 500)).map(({ id }) => id);
      expect(ids).toEqual([...Array.from({ length: 60 }, (_, index) => index + 1), ...ids.slice(60)]);
      expect(ids.slice(60)).toEqual(Array.from({ length: 21 }, (_, index) => 101 + index));

      const both = await runPass({ eventDays: 1 });
      if (both.end.kind !== 'record') throw new Error('no event is asked for');
      expect(both.end.events.map(({ params }) => params)).toMatchObject([
        { upTo: 60, heads: [{ chain: 'peers', id: 120 }] },
      ]);
    });

    it('has finished without a pass, and drops a pass for a new one', async () => {
      expect(await stores.maintenance.retentionStep()).toEqual({ kind: 'finished' });
      await stores.fleet.commit({
        hosts: [testHost('a')],
        commands: [oldCommand('old', 31)],
        output: [testOutput('old', 1, 3)],
      });
      await stores.maintenance.beginRetention(DEFAULT_RETENTION, NOW);
      await stores.maintenance.beginRetention({ ...DEFAULT_RETENTION, outputDays: 40 }, NOW);
      expect(await stores.maintenance.retentionStep()).toEqual({ kind: 'finished' });
      expect(await stores.fleet.output('old', 0, 10)).toHaveLength(3);
      await stores.maintenance.beginRetention(DEFAULT_RETENTION, NOW);
      await reopen();
      expect(await stores.maintenance.retentionStep()).toEqual({ kind: 'finished' });
    });

    it('deletes nothing when it refuses; the pass is over then, and the next one deletes', async () => {
      await stores.fleet.commit({
        hosts: [testHost('a')],
        commands: [oldCommand('old', 31)],
        output: [testOutput('old', 1, 3)],
      });
      await stores.maintenance.beginRetention(DEFAULT_RETENTION, NOW);
      await refuse(true);
      await expect(stores.maintenance.retentionStep()).rejects.toMatchObject(REFUSAL);
      await refuse(false);
      expect(await stores.maintenance.retentionStep()).toEqual({ kind: 'finished' });
      expect(await stores.fleet.output('old', 0, 10)).toHaveLength(3);
      expect((await runPass()).deleted).toHaveProperty('command_output');
      expect(await stores.fleet.output('old', 0, 10)).toEqual([]);
    });
  });
}
