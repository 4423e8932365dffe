/** Requests of operators: what starts a pipeline, what is refused, and cancelling. */
import { describe, expect, it, vi } from 'vitest';
import { MAX_RUNNING_PIPELINES } from './pipeline-definitions';
import { usePipelineBench } from '../testing/pipeline-bench';
import { BY, QUIET } from '../testing/test-fleet';
import type { PipelineRequest } from '../records/requests';

const pipelines = usePipelineBench();
const { agent, start, viewOf, statuses, ends } = pipelines;

describe('a pipeline request', () => {
  it('makes one pipeline when it is repeated, also after a restart', async () => {
    const web = await agent('web');
    const id = await start(['web'], { requestId: 'click' });
    expect(await start(['web'], { requestId: 'click' })).toBe(id);
    await pipelines.bench.crash();
    expect(await start(['web'], { requestId: 'click' })).toBe(id);
    expect(await pipelines.bench.fleet.pipelines(10)).toHaveLength(1);
    expect(web.commands()).toEqual(['pull']);
  });

  it('is refused if it is invalid, and nothing is stored', async () => {
    await agent('web');
    const ask = (more: Partial<PipelineRequest>) =>
      pipelines.bench.fleet.startPipeline({
        kind: 'custom',
        stages: ['pull'],
        hostIds: ['web'],
        requestId: 'r',
        parallelism: 1,
        stopOnFailure: false,
        by: BY,
        ...more,
      });
    expect(await ask({ stages: ['stop'] })).toMatchObject({ kind: 'refused' });
    expect(await ask({ hostIds: ['nobody'] })).toMatchObject({ kind: 'refused' });
    expect(await ask({ kind: 'merge-deploy', stepUp: true })).toMatchObject({ kind: 'refused' });
    const pullRequest = { number: 7, seen: 'c0ffee' };
    expect(await ask({ kind: 'merge-deploy', pullRequest })).toMatchObject({
      reason: expect.stringContaining('needs a fresh code') as unknown,
    });
    expect(await ask({ stages: ['pull', 'reboot'] })).toMatchObject({ kind: 'refused' });
    expect(await pipelines.bench.fleet.pipelines(10)).toEqual([]);
    expect(await ask({ stages: ['pull', 'reboot'], stepUp: true })).toMatchObject({ kind: 'started' });
  });

  it('skips hosts that are in another pipeline', async () => {
    await agent('web');
    await agent('db');
    await start(['web']);
    const id = await start(['web', 'db']);
    expect(await statuses(id)).toEqual(['skipped', 'running']);
    expect((await viewOf(id)).hosts[0]?.reason).toBe('web is in another pipeline: Custom by operator.');
  });

  it('sends nothing if the database refuses it', async () => {
    const web = await agent('web');
    const commit = vi.spyOn(pipelines.bench.store, 'commit').mockImplementation(() => {
      throw new Error('the disk is full');
    });
    const result = await pipelines.bench.fleet.startPipeline({
      kind: 'update-agent',
      hostIds: ['web'],
      requestId: 'r',
      parallelism: 1,
      stopOnFailure: false,
      by: BY,
    });
    expect(result).toEqual({ kind: 'not-stored', reason: 'the disk is full' });
    expect(web.commands()).toEqual([]);
    expect(pipelines.bench.fleet.pipelineViews()).toEqual([]);
    commit.mockRestore();
  });

  it('is refused beyond the limit on pipelines', async () => {
    for (let n = 0; n < MAX_RUNNING_PIPELINES; n += 1) {
      await agent(`h${n}`);
      await start([`h${n}`]);
    }
    await agent('more');
    await expect(start(['more'])).rejects.toThrow('pipelines are already running');
  });
});

describe('cancelling a pipeline', () => {
  it('starts nothing more and lets running commands continue', async () => {
    const web = await agent('web');
    const db = await agent('db');
    const id = await start(['web', 'db'], { parallelism: 1 });
    expect(await pipelines.bench.fleet.cancelPipeline(id, { stopRunning: false }, BY)).toBe(true);
    expect(await statuses(id)).toEqual(['running', 'skipped']);
    await ends(web, 'pull');
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'cancelled' });
    expect([web.commands(), db.commands()]).toEqual([['pull'], []]);
    expect(await pipelines.bench.fleet.cancelPipeline(id, { stopRunning: false }, BY)).toBe(false);
    expect(await pipelines.bench.fleet.events({ limit: 50 })).toContainEqual(
      expect.objectContaining({ action: 'pipeline.cancelled', actor: 'operator', address: BY.address }),
    );
  });

  it('stops running commands if requested', async () => {
    const web = await agent('web');
    const id = await start(['web']);
    await pipelines.bench.fleet.cancelPipeline(id, { stopRunning: true }, BY);
    expect(web.commands()).toEqual(['pull', 'stop']);
    await pipelines.bench.say(web, 'status', { status: 'stopped', command: 'pull' });
    await pipelines.bench.say(web, 'heartbeat', QUIET);
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'cancelled', counts: { failed: 1 } });
    expect((await viewOf(id)).hosts[0]?.reason).toContain('stopped');
  });
});
