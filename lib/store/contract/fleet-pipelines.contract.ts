/** The contract of `FleetStore` for pipelines. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { PipelineHostRecord, PipelineRecord } from '@/lib/fleet/records/pipeline-state';
import type { FleetStore } from '@/lib/fleet/records/store-port';
import { testCommand, testEvent, testHost, testPipeline, testPipelineHost } from '../sqlite/testing/sample-records';
import {
  CONSTRAINT,
  LARGEST,
  LONE_SURROGATE,
  REPLACEMENT,
  throughClone,
  UNUSUAL_TEXT,
  type Open,
  useStore,
} from './contract';

const ENDED = { phase: 'ended', outcome: 'partial', reason: '1 done, 1 failed.', endedAt: 9_000 } as const;

export function fleetPipelinesContract(name: string, open: Open<FleetStore>): void {
  describe(`pipelines: ${name}`, () => {
    let store: FleetStore;
    const { reopen } = useStore(open, (made) => (store = throughClone(made)));
    beforeEach(async () => {
      await store.commit({ hosts: [testHost('a'), testHost('b')] });
    });

    it('are given as they were stored, with hosts in order, also across a reopening, and are replaced', async () => {
      const pipeline: PipelineRecord = testPipeline(UNUSUAL_TEXT, {
        kind: 'merge-deploy',
        stages: ['merge-pr', 'pull'],
        args: { pullRequest: LARGEST, [UNUSUAL_TEXT]: ['', '\0', LONE_SURROGATE, { nested: null }] },
        requestId: UNUSUAL_TEXT,
        parallelism: LARGEST,
        stopOnFailure: true,
        forced: true,
        state: {
          prelude: { status: 'done', startedAt: 1, endedAt: LARGEST, reason: UNUSUAL_TEXT },
          halt: { cause: 'failure', reason: '' },
        },
        userName: UNUSUAL_TEXT,
        address: '',
        createdAt: LARGEST,
      });
      const first: PipelineHostRecord = testPipelineHost(UNUSUAL_TEXT, 'removed host', {
        hostName: '',
        status: 'failed',
        commandId: UNUSUAL_TEXT,
        reason: UNUSUAL_TEXT,
        steps: [
          { status: 'waiting', since: 3, until: LARGEST, reason: UNUSUAL_TEXT },
          { status: 'failed', startedAt: 3, endedAt: 4, commandId: null, outcome: null, reason: '\0' },
        ],
      });
      const second = testPipelineHost(UNUSUAL_TEXT, 'a', { position: LARGEST, stage: LARGEST, status: 'running' });
      await store.commit({ pipelines: [pipeline], pipelineHosts: [second, first] });
      await reopen();
      const run = { pipeline, hosts: [first, second] };
      expect(await store.unendedPipelines()).toEqual([run]);
      expect(await store.pipeline(UNUSUAL_TEXT)).toEqual(run);
      expect(await store.pipelineByRequest(UNUSUAL_TEXT)).toEqual(run);
      expect([await store.pipeline('nothing'), await store.pipelineByRequest('nothing')]).toEqual([null, null]);

      const done = { ...second, status: 'done', steps: [], position: 0 } as const;
      const last = { ...first, position: 1 };
      const ended = { ...pipeline, ...ENDED, args: null };
      await store.commit({ pipelines: [ended], pipelineHosts: [done, last] });
      expect(await store.unendedPipelines()).toEqual([]);
      expect(await store.pipeline(UNUSUAL_TEXT)).toEqual({ pipeline: ended, hosts: [done, last] });
    });

    it('have a replacement for half a character outside JSON', async () => {
      await store.commit({ pipelines: [testPipeline('p', { reason: LONE_SURROGATE })] });
      expect((await store.pipeline('p'))?.pipeline.reason).toBe(REPLACEMENT);
    });

    it('are listed newest first with the number of hosts in each status', async () => {
      await store.commit({
        pipelines: [
          testPipeline('new', { createdAt: LARGEST }),
          testPipeline('old', { createdAt: 1, ...ENDED }),
          testPipeline('without hosts', { createdAt: 2 }),
        ],
        pipelineHosts: [
          ...(['waiting', 'running', 'done', 'failed', 'skipped'] as const).map((status, position) =>
            testPipelineHost('new', status, { status, position }),
          ),
          testPipelineHost('new', 'another', { status: 'done' }),
          testPipelineHost('old', 'a', { status: 'failed' }),
        ],
      });
      const none = { waiting: 0, running: 0, done: 0, failed: 0, 'rolled-back': 0, refused: 0, skipped: 0 };
      expect(await store.pipelines(5)).toEqual([
        {
          pipeline: testPipeline('new', { createdAt: LARGEST }),
          counts: { waiting: 1, running: 1, done: 2, failed: 1, 'rolled-back': 0, refused: 0, skipped: 1 },
        },
        { pipeline: testPipeline('without hosts', { createdAt: 2 }), counts: none },
        { pipeline: testPipeline('old', { createdAt: 1, ...ENDED }), counts: { ...none, failed: 1 } },
      ]);
      expect((await store.pipelines(1)).map(({ pipeline }) => pipeline.id)).toEqual(['new']);
    });

    it('that have not ended are given oldest first, in the order of storing within one moment', async () => {
      const at = (id: string, createdAt: number) => testPipeline(id, { createdAt });
      await store.commit({
        pipelines: [at('z', 5), at('y', 5), at('old', 1), testPipeline('ended', ENDED), at('x', 5)],
      });
      await store.commit({ pipelines: [testPipeline('z', { createdAt: 5, phase: 'cancelling' })] });
      const ids = (await store.unendedPipelines()).map(({ pipeline }) => pipeline.id);
      expect(ids).toEqual(['old', 'z', 'y', 'x']);
    });

    it('are unique by request, also when asked for at the same moment', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 10 }, (_, index) =>
          store.commit({ pipelines: [testPipeline(`p${index}`, { requestId: 'r' })], events: [testEvent('started')] }),
        ),
      );
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', ...Array<string>(9).fill('rejected')]);
      expect(results[1]).toMatchObject({ reason: CONSTRAINT });
      expect((await store.pipelineByRequest('r'))?.pipeline.id).toBe('p0');
      expect(await store.pipelines(100)).toHaveLength(1);
      expect(await store.events({ limit: 100 })).toHaveLength(1);
    });

    it('are stored together with the commands that they cause, or not at all', async () => {
      const step = { status: 'running', startedAt: 1, commandId: 'c' } as const;
      const writes = {
        pipelines: [testPipeline('p')],
        pipelineHosts: [testPipelineHost('p', 'a', { status: 'running', commandId: 'c', steps: [step] })],
      };
      const refused = store.commit({ ...writes, commands: [testCommand('c', 'nothing')] });
      await expect(refused).rejects.toMatchObject(CONSTRAINT);
      expect(await store.pipeline('p')).toBeNull();
      await store.commit({ ...writes, commands: [testCommand('c', 'a', { pipelineId: 'p', requestId: 'p:0' })] });
      expect(await store.commandsByRequest('p:0', ['a'])).toMatchObject([{ id: 'c', pipelineId: 'p' }]);
      expect((await store.pipeline('p'))?.hosts[0]?.steps).toEqual([step]);
    });
  });
}
