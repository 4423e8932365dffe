/** When the stages of a pipeline start on each host, and how they end. */
import { describe, expect, it, vi } from 'vitest';
import { STAGE_WAIT_MS } from './pipeline-machine';
import { TICK_MS, usePipelineBench } from '../testing/pipeline-bench';
import { BY, QUIET, settle } from '../testing/test-fleet';

const pipelines = usePipelineBench();
const { agent, agents, start, viewOf, statuses, ends } = pipelines;

describe('stages', () => {
  it('follow each other on each host independently, and events name requester, stages and outcome', async () => {
    const web = await agent('web');
    const db = await agent('db');
    const id = await start(['web', 'db']);
    expect([web.commands(), db.commands()]).toEqual([['pull'], ['pull']]);
    await ends(web, 'pull');
    expect([web.commands(), db.commands()]).toEqual([['pull', 'test'], ['pull']]);
    await ends(web, 'test');
    await ends(db, 'pull', 'error');
    const view = await viewOf(id);
    expect(view).toMatchObject({
      phase: 'ended',
      outcome: 'partial',
      reason: '1 done, 1 failed.',
      counts: { done: 1, failed: 1 },
    });
    expect(view.hosts[0]?.steps.map(({ status, outcome }) => [status, outcome])).toEqual([
      ['done', 'unchanged'],
      ['done', 'succeeded'],
    ]);
    for (const { commandId } of view.hosts.flatMap(({ steps }) => steps)) {
      expect(commandId && (await pipelines.bench.fleet.command(commandId))).toMatchObject({ phase: 'ended' });
    }
    const told = (await pipelines.bench.fleet.events({ limit: 50 })).filter(({ action }) =>
      action.startsWith('pipeline.'),
    );
    expect(told.map(({ action, actor, address, outcome }) => [action, actor, address, outcome])).toEqual([
      ['pipeline.ended', 'dashboard', '', 'partial'],
      ['pipeline.started', 'operator', BY.address, ''],
    ]);
  });

  it('start after the host is back from a switch and has sent a heartbeat', async () => {
    const web = await agent('web');
    const id = await start(['web'], { kind: 'do-all' });
    await ends(web, 'pull');
    expect(web.commands()).toEqual(['pull', 'switch']);
    await pipelines.bench.say(web, 'status', { status: 'ok', command: 'switch', exit_code: 0 });
    pipelines.bench.fleet.inbox.disconnected(web, 1000, '');
    await pipelines.bench.advance(5 * TICK_MS);
    const back = await pipelines.bench.agent('web');
    await pipelines.bench.advance(5 * TICK_MS);
    expect(back.commands()).toEqual([]);
    await pipelines.bench.say(back, 'heartbeat', QUIET);
    await pipelines.bench.advance(TICK_MS);
    expect(back.commands()).toEqual(['test']);
    await ends(back, 'test');
    expect(await viewOf(id)).toMatchObject({ outcome: 'succeeded' });
  });

  it('wait up to a limit while the host is busy with another command', async () => {
    const web = await agent('web');
    const db = await agent('db');
    await pipelines.bench.dispatch('refresh-git', 'web');
    await pipelines.bench.say(db, 'heartbeat', { ...QUIET, pending_command: 'by hand' });
    const id = await start(['web', 'db']);
    expect((await viewOf(id)).hosts.map(({ steps }) => steps.at(-1)?.reason)).toEqual([
      'web is busy: the Git status refresh is in progress.',
      'The agent of db reports that it is still running "by hand".',
    ]);
    await ends(web, 'refresh-git');
    await pipelines.bench.advance(TICK_MS);
    expect(web.commands()).toEqual(['refresh-git', 'pull']);
    // A minute at a time: agents are alive.
    for (let waited = 0; waited <= STAGE_WAIT_MS; waited += 60_000) {
      await pipelines.bench.advance(60_000);
      await pipelines.bench.say(web, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    }
    expect(db.commands()).toEqual([]);
    expect((await viewOf(id)).hosts[1]).toMatchObject({ status: 'skipped' });
    expect((await viewOf(id)).hosts[1]?.reason).toContain('still running "by hand"');
  });

  it('for a version-1 agent wait in its queue and belong to the pipeline', async () => {
    const call = { id: 'old', address: '198.51.100.9', identity: { kind: 'shared' } } as const;
    await pipelines.bench.fleet.v1Inbox.poll(call);
    const id = await start(['old'], { stages: ['pull-switch'] });
    expect((await viewOf(id)).hosts[0]).toMatchObject({ status: 'running', steps: [{ status: 'running' }] });
    expect(await pipelines.bench.fleet.v1Inbox.poll(call)).toMatchObject({ command: 'pull-switch' });
    // It never reports a result: the end of its command ends the stage.
    for (let minutes = 0; (await viewOf(id)).phase !== 'ended' && minutes < 200; minutes += 1) {
      await pipelines.bench.advance(60_000);
      await pipelines.bench.fleet.v1Inbox.poll(call);
    }
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
  });

  it('fail when a version-1 agent does not poll in time', async () => {
    await pipelines.bench.fleet.v1Inbox.poll({ id: 'old', address: '198.51.100.9', identity: { kind: 'shared' } });
    const id = await start(['old'], { stages: ['pull-switch'] });
    await pipelines.bench.advance(STAGE_WAIT_MS);
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect((await viewOf(id)).hosts[0]).toMatchObject({ status: 'failed', steps: [{ outcome: 'expired' }] });
  });

  it('for a version-1 agent that has not polled are cancelled with the pipeline', async () => {
    const call = { id: 'old', address: '198.51.100.9', identity: { kind: 'shared' } } as const;
    await pipelines.bench.fleet.v1Inbox.poll(call);
    const id = await start(['old'], { stages: ['pull-switch'] });
    expect(await pipelines.bench.fleet.cancelPipeline(id, { stopRunning: false }, BY)).toBe(true);
    await settle();
    expect(await pipelines.bench.fleet.v1Inbox.poll(call)).toMatchObject({ command: null });
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'cancelled' });
    expect(await pipelines.bench.fleet.commandsOf('old', 1)).toMatchObject([{ outcome: 'cancelled' }]);
  });

  it('never act on another operator’s command: a restart waits', async () => {
    const web = await agent('web');
    await pipelines.bench.dispatch('test', 'web');
    await start(['web'], { stages: ['restart'] });
    await pipelines.bench.advance(5 * TICK_MS);
    expect(web.commands()).toEqual(['test']);
    await ends(web, 'test');
    await pipelines.bench.advance(TICK_MS);
    expect(web.commands()).toEqual(['test', 'restart']);
  });

  it('go on to the switch after a pull of a commit that is not in the feed yet', async () => {
    const web = await agent('web');
    pipelines.bench.desired.state = {
      ...pipelines.bench.desired.state,
      source: 'feed',
      commit: 'c'.repeat(40),
      fetchedAt: 1,
    };
    pipelines.bench.desired.relations.set('bbbbbbb', { relation: 'differs', commits: null });
    const id = await start(['web'], { stages: ['pull', 'switch'] });
    await pipelines.bench.say(web, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    await pipelines.bench.say(web, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    expect(pipelines.bench.fleet.host('web')?.compartments.git.status).toBe('outdated');
    expect(web.commands()).toEqual(['pull', 'switch']);
    expect((await viewOf(id)).hosts[0]?.steps[0]).toMatchObject({ status: 'done', outcome: 'succeeded' });
  });

  it('are refused if the host can’t run them: a switch on a host that has not pulled', async () => {
    const web = await agent('web');
    pipelines.bench.desired.state = {
      ...pipelines.bench.desired.state,
      source: 'git',
      commit: 'c'.repeat(40),
      fetchedAt: 1,
    };
    pipelines.bench.desired.relations.set('aaaaaaa', { relation: 'behind', commits: 2 });
    const id = await start(['web'], { stages: ['switch'] });
    expect(web.commands()).toEqual([]);
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect((await viewOf(id)).hosts[0]).toMatchObject({ status: 'skipped' });
    expect((await viewOf(id)).hosts[0]?.reason).toContain('does not have the desired configuration');
    await start(['web'], { stages: ['switch'], force: true });
    expect(web.commands()).toEqual(['switch']);
  });

  it('run on a limited number of hosts at the same time', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const links = await agents(names);
    const id = await start(names, { stages: ['test'], parallelism: 2 });
    const sent = () => links.map((link) => link.commands().length).join('');
    expect(sent()).toBe('11000');
    await ends(links[1]!, 'test', 'error');
    expect(sent()).toBe('11100');
    for (const link of [links[0]!, links[2]!, links[3]!, links[4]!]) await ends(link, 'test');
    expect(await viewOf(id)).toMatchObject({ outcome: 'partial', counts: { done: 4, failed: 1 } });
  });

  it('stop at the first failure if requested', async () => {
    const links = await agents(['a', 'b', 'c']);
    const id = await start(['a', 'b', 'c'], { parallelism: 2, stopOnFailure: true });
    await ends(links[0]!, 'pull', 'error');
    expect(await statuses(id)).toEqual(['failed', 'running', 'skipped']);
    await ends(links[1]!, 'pull');
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect(links.map((link) => link.commands())).toEqual([['pull'], ['pull'], []]);
  });
});

describe('ends of several hosts in one transaction', () => {
  it('are all processed, and the next stages are sent together', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const links = await agents(names);
    const id = await start(names, { parallelism: 3 });
    const commits = vi.spyOn(pipelines.bench.store, 'commit');
    const together = (type: string, payload: unknown) =>
      Promise.all(links.slice(0, 3).map((link) => pipelines.bench.say(link, type, payload)));
    await together('status', { status: 'ok', command: 'pull', exit_code: 0 });
    await together('heartbeat', QUIET);
    expect(links.map((link) => link.commands().length)).toEqual([2, 2, 2, 0, 0, 0]);
    // The statuses, the ends and the next stages: one transaction each for three hosts.
    expect(commits).toHaveBeenCalledTimes(3);
    await together('status', { status: 'ok', command: 'test', exit_code: 0 });
    await together('heartbeat', QUIET);
    expect((await viewOf(id)).counts).toMatchObject({ done: 3, running: 3 });
    expect(links.map((link) => link.commands().length)).toEqual([2, 2, 2, 1, 1, 1]);
  });
});
