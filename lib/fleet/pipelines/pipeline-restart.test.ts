/** Pipelines that were running when the dashboard was restarted. */
import { describe, expect, it, vi } from 'vitest';
import { STAGE_WAIT_MS } from './pipeline-machine';
import { TICK_MS, usePipelineBench } from '../testing/pipeline-bench';
import { QUIET } from '../testing/test-fleet';

const pipelines = usePipelineBench();
const { agent, start, viewOf, ends } = pipelines;

describe('a restart of the dashboard', () => {
  it('during a stage recovers the command and the pipeline, and sends nothing twice', async () => {
    const wire = [await agent('web')];
    const id = await start(['web']);
    await pipelines.bench.crash();
    expect(await viewOf(id)).toMatchObject({ phase: 'running' });
    await pipelines.bench.advance(5 * TICK_MS);
    const back = await pipelines.bench.agent('web');
    wire.push(back);
    await pipelines.bench.say(back, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    await pipelines.bench.advance(5 * TICK_MS);
    await ends(back, 'pull');
    await ends(back, 'test');
    expect(wire.map((link) => link.commands())).toEqual([['pull'], ['test']]);
    expect(await viewOf(id)).toMatchObject({ outcome: 'succeeded' });
  });

  it('waits for hosts that have not come back, including waiting ones, up to a limit', async () => {
    const web = await agent('web');
    await agent('db');
    const id = await start(['web', 'db'], { parallelism: 1 });
    await pipelines.bench.crash();
    await pipelines.bench.advance(60_000);
    const back = await pipelines.bench.agent('web');
    await pipelines.bench.say(back, 'heartbeat', QUIET);
    await pipelines.bench.say(back, 'heartbeat', QUIET);
    expect((await viewOf(id)).hosts[0]).toMatchObject({ status: 'failed' });
    await pipelines.bench.advance(60_000);
    expect((await viewOf(id)).hosts[1]?.steps.at(-1)).toMatchObject({ status: 'waiting', reason: 'db is offline.' });
    await pipelines.bench.advance(STAGE_WAIT_MS);
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect((await viewOf(id)).hosts[1]).toMatchObject({ status: 'skipped' });
    expect([web.commands(), back.commands()]).toEqual([['pull'], []]);
  });

  it('between two stages sends the next one once', async () => {
    const web = await agent('web');
    const id = await start(['web']);
    // The end of the pull is stored; the next step with its command is not.
    const store = pipelines.bench.store.commit.bind(pipelines.bench.store);
    const commit = vi.spyOn(pipelines.bench.store, 'commit').mockImplementation((writes) => {
      if (writes.commands?.some(({ operation }) => operation === 'test')) throw new Error('the power failed');
      return store(writes);
    });
    await ends(web, 'pull');
    expect(web.commands()).toEqual(['pull']);
    await pipelines.bench.crash();
    commit.mockRestore();
    expect((await viewOf(id)).hosts[0]?.steps.map(({ status }) => status)).toEqual(['running']);
    const back = await agent('web');
    await pipelines.bench.advance(3 * TICK_MS);
    expect(back.commands()).toEqual(['test']);
    await pipelines.bench.advance(3 * TICK_MS);
    expect(back.commands()).toEqual(['test']);
  });

  it('finds that a stage’s command has ended', async () => {
    await agent('web');
    const id = await start(['web']);
    pipelines.bench.database.db.$client.exec(`update commands set state = '{' where pipeline_id = '${id}'`);
    await pipelines.bench.crash();
    await pipelines.bench.advance(2 * TICK_MS);
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect((await viewOf(id)).hosts[0]?.steps).toMatchObject([{ status: 'failed', outcome: 'lost' }]);
  });
});
