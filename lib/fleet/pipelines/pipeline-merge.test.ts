/** Pipelines that merge a pull request first. */
import { describe, expect, it } from 'vitest';
import { MERGE_ANSWER_MS } from './pipeline-merge';
import { TICK_MS, usePipelineBench } from '../testing/pipeline-bench';

const pipelines = usePipelineBench();
const { agent, start, viewOf } = pipelines;

describe('a merge before the hosts', () => {
  const deploy = () =>
    start(['web'], { kind: 'merge-deploy', pullRequest: { number: 7, seen: 'c0ffee' }, stepUp: true });

  it('is done once; then the desired state is fetched and the hosts start', async () => {
    const web = await agent('web');
    const id = await deploy();
    expect(pipelines.bench.flakeUpdates.requested).toEqual(['7 c0ffee']);
    await pipelines.bench.advance(5 * TICK_MS);
    expect(pipelines.bench.flakeUpdates.requested).toEqual(['7 c0ffee']);
    expect(web.commands()).toEqual([]);
    await pipelines.bench.flakeUpdates.answer({ kind: 'merged', commit: 'abcdef0123456789' });
    expect(pipelines.bench.desired.refreshed).toBe(1);
    expect(web.commands()).toEqual(['pull']);
    expect((await viewOf(id)).prelude).toMatchObject({ status: 'done', reason: '#7 was merged as abcdef0.' });
  });

  it('is refused if no forge is configured', async () => {
    await agent('web');
    pipelines.bench.flakeUpdates.state = { ...pipelines.bench.flakeUpdates.state, source: 'none' };
    await expect(deploy()).rejects.toThrow('No forge is configured');
    expect(pipelines.bench.flakeUpdates.requested).toEqual([]);
  });

  it.each(['refused', 'failed'] as const)('that is %s ends the pipeline without running any host', async (kind) => {
    const web = await agent('web');
    const id = await deploy();
    await pipelines.bench.flakeUpdates.answer({ kind, reason: 'The checks are red.' });
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed', prelude: { status: 'failed' } });
    expect((await viewOf(id)).reason).toContain('The checks are red.');
    expect(web.commands()).toEqual([]);
  });

  it('that gets no answer ends the pipeline as well', async () => {
    await agent('web');
    const id = await deploy();
    await pipelines.bench.advance(MERGE_ANSWER_MS);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    await pipelines.bench.flakeUpdates.answer({ kind: 'merged', commit: '' });
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
  });

  it('is requested again after a restart during it', async () => {
    await agent('web');
    const id = await deploy();
    await pipelines.bench.crash();
    const back = await agent('web');
    await pipelines.bench.advance(TICK_MS);
    expect(pipelines.bench.flakeUpdates.requested).toEqual(['7 c0ffee', '7 c0ffee']);
    await pipelines.bench.flakeUpdates.answer({ kind: 'merged', commit: '' });
    await pipelines.bench.advance(TICK_MS);
    expect(back.commands()).toEqual(['pull']);
    expect(await viewOf(id)).toMatchObject({ prelude: { status: 'done', reason: '#7 was merged.' } });
  });
});
