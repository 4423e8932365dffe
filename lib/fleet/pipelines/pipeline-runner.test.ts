/** Pipelines on a real database, with agents that a test plays. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STAGE_WAIT_MS } from './pipeline-machine';
import { MERGE_ANSWER_MS } from './pipeline-merge';
import { MAX_RUNNING_PIPELINES } from './pipeline-definitions';
import { BY, openBench, QUIET, settle, type Bench, type TestLink } from '../testing/test-fleet';
import type { PipelineRequest } from '../records/requests';

const TICK_MS = 1_000;

let bench: Bench;
let requests = 0;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.close();
});

/** An agent that registered and sent its first heartbeat. */
async function agent(name: string): Promise<TestLink> {
  const link = await bench.agent(name);
  await bench.say(link, 'heartbeat', QUIET);
  return link;
}

async function agents(names: readonly string[]): Promise<TestLink[]> {
  const links: TestLink[] = [];
  for (const name of names) links.push(await agent(name));
  return links;
}

async function start(hostIds: readonly string[], more: Partial<PipelineRequest> = {}): Promise<string> {
  const request: PipelineRequest = {
    kind: 'custom',
    stages: ['pull', 'test'],
    hostIds,
    requestId: `r${(requests += 1)}`,
    parallelism: 10,
    stopOnFailure: false,
    by: BY,
    ...more,
  };
  const result = await bench.fleet.startPipeline(request);
  // The first stages are sent after the start is stored.
  await settle();
  if (result.kind !== 'started') throw new Error(`not started: ${JSON.stringify(result)}`);
  return result.pipelineId;
}

const viewOf = async (id: string) => {
  const view = await bench.fleet.pipeline(id);
  if (!view) throw new Error(`no pipeline ${id}`);
  return view;
};
const statuses = async (id: string) => (await viewOf(id)).hosts.map(({ status }) => status);

/** The host's command ends with a status and an idle heartbeat. */
async function ends(link: TestLink, command: string, status = 'ok'): Promise<void> {
  await bench.say(link, 'status', { status, command, exit_code: status === 'ok' ? 0 : 1 });
  await bench.say(link, 'heartbeat', QUIET);
}

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
      expect(commandId && (await bench.fleet.command(commandId))).toMatchObject({ phase: 'ended' });
    }
    const told = (await bench.fleet.events({ limit: 50 })).filter(({ action }) => action.startsWith('pipeline.'));
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
    await bench.say(web, 'status', { status: 'ok', command: 'switch', exit_code: 0 });
    bench.fleet.inbox.disconnected(web, 1000, '');
    await bench.advance(5 * TICK_MS);
    const back = await bench.agent('web');
    await bench.advance(5 * TICK_MS);
    expect(back.commands()).toEqual([]);
    await bench.say(back, 'heartbeat', QUIET);
    await bench.advance(TICK_MS);
    expect(back.commands()).toEqual(['test']);
    await ends(back, 'test');
    expect(await viewOf(id)).toMatchObject({ outcome: 'succeeded' });
  });

  it('wait up to a limit while the host is busy with another command', async () => {
    const web = await agent('web');
    const db = await agent('db');
    await bench.dispatch('refresh-git', 'web');
    await bench.say(db, 'heartbeat', { ...QUIET, pending_command: 'by hand' });
    const id = await start(['web', 'db']);
    expect((await viewOf(id)).hosts.map(({ steps }) => steps.at(-1)?.reason)).toEqual([
      'web is busy: the Git status refresh is in progress.',
      'The agent of db reports that it is still running "by hand".',
    ]);
    await ends(web, 'refresh-git');
    await bench.advance(TICK_MS);
    expect(web.commands()).toEqual(['refresh-git', 'pull']);
    // A minute at a time: agents are alive.
    for (let waited = 0; waited <= STAGE_WAIT_MS; waited += 60_000) {
      await bench.advance(60_000);
      await bench.say(web, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    }
    expect(db.commands()).toEqual([]);
    expect((await viewOf(id)).hosts[1]).toMatchObject({ status: 'skipped' });
    expect((await viewOf(id)).hosts[1]?.reason).toContain('still running "by hand"');
  });

  it('for a version-1 agent wait in its queue and belong to the pipeline', async () => {
    const call = { id: 'old', address: '198.51.100.9', identity: { kind: 'shared' } } as const;
    await bench.fleet.v1Inbox.poll(call);
    const id = await start(['old'], { stages: ['pull-switch'] });
    expect((await viewOf(id)).hosts[0]).toMatchObject({ status: 'running', steps: [{ status: 'running' }] });
    expect(await bench.fleet.v1Inbox.poll(call)).toMatchObject({ command: 'pull-switch' });
    // It never reports a result: the end of its command ends the stage.
    for (let minutes = 0; (await viewOf(id)).phase !== 'ended' && minutes < 200; minutes += 1) {
      await bench.advance(60_000);
      await bench.fleet.v1Inbox.poll(call);
    }
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
  });

  it('fail when a version-1 agent does not poll in time', async () => {
    await bench.fleet.v1Inbox.poll({ id: 'old', address: '198.51.100.9', identity: { kind: 'shared' } });
    const id = await start(['old'], { stages: ['pull-switch'] });
    await bench.advance(STAGE_WAIT_MS);
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect((await viewOf(id)).hosts[0]).toMatchObject({ status: 'failed', steps: [{ outcome: 'expired' }] });
  });

  it('for a version-1 agent that has not polled are cancelled with the pipeline', async () => {
    const call = { id: 'old', address: '198.51.100.9', identity: { kind: 'shared' } } as const;
    await bench.fleet.v1Inbox.poll(call);
    const id = await start(['old'], { stages: ['pull-switch'] });
    expect(await bench.fleet.cancelPipeline(id, { stopRunning: false }, BY)).toBe(true);
    await settle();
    expect(await bench.fleet.v1Inbox.poll(call)).toMatchObject({ command: null });
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'cancelled' });
    expect(await bench.fleet.commandsOf('old', 1)).toMatchObject([{ outcome: 'cancelled' }]);
  });

  it('never act on another operator’s command: a restart waits', async () => {
    const web = await agent('web');
    await bench.dispatch('test', 'web');
    await start(['web'], { stages: ['restart'] });
    await bench.advance(5 * TICK_MS);
    expect(web.commands()).toEqual(['test']);
    await ends(web, 'test');
    await bench.advance(TICK_MS);
    expect(web.commands()).toEqual(['test', 'restart']);
  });

  it('go on to the switch after a pull of a commit that is not in the feed yet', async () => {
    const web = await agent('web');
    bench.desired.state = { ...bench.desired.state, source: 'feed', commit: 'c'.repeat(40), fetchedAt: 1 };
    bench.desired.relations.set('bbbbbbb', { relation: 'differs', commits: null });
    const id = await start(['web'], { stages: ['pull', 'switch'] });
    await bench.say(web, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    await bench.say(web, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    expect(bench.fleet.host('web')?.compartments.git.status).toBe('outdated');
    expect(web.commands()).toEqual(['pull', 'switch']);
    expect((await viewOf(id)).hosts[0]?.steps[0]).toMatchObject({ status: 'done', outcome: 'succeeded' });
  });

  it('are refused if the host can’t run them: a switch on a host that has not pulled', async () => {
    const web = await agent('web');
    bench.desired.state = { ...bench.desired.state, source: 'git', commit: 'c'.repeat(40), fetchedAt: 1 };
    bench.desired.relations.set('aaaaaaa', { relation: 'behind', commits: 2 });
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
    const commits = vi.spyOn(bench.store, 'commit');
    const together = (type: string, payload: unknown) =>
      Promise.all(links.slice(0, 3).map((link) => bench.say(link, type, payload)));
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

describe('a pipeline request', () => {
  it('makes one pipeline when it is repeated, also after a restart', async () => {
    const web = await agent('web');
    const id = await start(['web'], { requestId: 'click' });
    expect(await start(['web'], { requestId: 'click' })).toBe(id);
    await bench.crash();
    expect(await start(['web'], { requestId: 'click' })).toBe(id);
    expect(await bench.fleet.pipelines(10)).toHaveLength(1);
    expect(web.commands()).toEqual(['pull']);
  });

  it('is refused if it is invalid, and nothing is stored', async () => {
    await agent('web');
    const ask = (more: Partial<PipelineRequest>) =>
      bench.fleet.startPipeline({
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
    expect(await bench.fleet.pipelines(10)).toEqual([]);
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
    const commit = vi.spyOn(bench.store, 'commit').mockImplementation(() => {
      throw new Error('the disk is full');
    });
    const result = await bench.fleet.startPipeline({
      kind: 'update-agent',
      hostIds: ['web'],
      requestId: 'r',
      parallelism: 1,
      stopOnFailure: false,
      by: BY,
    });
    expect(result).toEqual({ kind: 'not-stored', reason: 'the disk is full' });
    expect(web.commands()).toEqual([]);
    expect(bench.fleet.pipelineViews()).toEqual([]);
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
    expect(await bench.fleet.cancelPipeline(id, { stopRunning: false }, BY)).toBe(true);
    expect(await statuses(id)).toEqual(['running', 'skipped']);
    await ends(web, 'pull');
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'cancelled' });
    expect([web.commands(), db.commands()]).toEqual([['pull'], []]);
    expect(await bench.fleet.cancelPipeline(id, { stopRunning: false }, BY)).toBe(false);
    expect(await bench.fleet.events({ limit: 50 })).toContainEqual(
      expect.objectContaining({ action: 'pipeline.cancelled', actor: 'operator', address: BY.address }),
    );
  });

  it('stops running commands if requested', async () => {
    const web = await agent('web');
    const id = await start(['web']);
    await bench.fleet.cancelPipeline(id, { stopRunning: true }, BY);
    expect(web.commands()).toEqual(['pull', 'stop']);
    await bench.say(web, 'status', { status: 'stopped', command: 'pull' });
    await bench.say(web, 'heartbeat', QUIET);
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'cancelled', counts: { failed: 1 } });
    expect((await viewOf(id)).hosts[0]?.reason).toContain('stopped');
  });
});

describe('a restart of the dashboard', () => {
  it('during a stage recovers the command and the pipeline, and sends nothing twice', async () => {
    const wire = [await agent('web')];
    const id = await start(['web']);
    await bench.crash();
    expect(await viewOf(id)).toMatchObject({ phase: 'running' });
    await bench.advance(5 * TICK_MS);
    const back = await bench.agent('web');
    wire.push(back);
    await bench.say(back, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    await bench.advance(5 * TICK_MS);
    await ends(back, 'pull');
    await ends(back, 'test');
    expect(wire.map((link) => link.commands())).toEqual([['pull'], ['test']]);
    expect(await viewOf(id)).toMatchObject({ outcome: 'succeeded' });
  });

  it('waits for hosts that have not come back, including waiting ones, up to a limit', async () => {
    const web = await agent('web');
    await agent('db');
    const id = await start(['web', 'db'], { parallelism: 1 });
    await bench.crash();
    await bench.advance(60_000);
    const back = await bench.agent('web');
    await bench.say(back, 'heartbeat', QUIET);
    await bench.say(back, 'heartbeat', QUIET);
    expect((await viewOf(id)).hosts[0]).toMatchObject({ status: 'failed' });
    await bench.advance(60_000);
    expect((await viewOf(id)).hosts[1]?.steps.at(-1)).toMatchObject({ status: 'waiting', reason: 'db is offline.' });
    await bench.advance(STAGE_WAIT_MS);
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect((await viewOf(id)).hosts[1]).toMatchObject({ status: 'skipped' });
    expect([web.commands(), back.commands()]).toEqual([['pull'], []]);
  });

  it('between two stages sends the next one once', async () => {
    const web = await agent('web');
    const id = await start(['web']);
    // The end of the pull is stored; the next step with its command is not.
    const store = bench.store.commit.bind(bench.store);
    const commit = vi.spyOn(bench.store, 'commit').mockImplementation((writes) => {
      if (writes.commands?.some(({ operation }) => operation === 'test')) throw new Error('the power failed');
      return store(writes);
    });
    await ends(web, 'pull');
    expect(web.commands()).toEqual(['pull']);
    await bench.crash();
    commit.mockRestore();
    expect((await viewOf(id)).hosts[0]?.steps.map(({ status }) => status)).toEqual(['running']);
    const back = await agent('web');
    await bench.advance(3 * TICK_MS);
    expect(back.commands()).toEqual(['test']);
    await bench.advance(3 * TICK_MS);
    expect(back.commands()).toEqual(['test']);
  });

  it('finds that a stage’s command has ended', async () => {
    await agent('web');
    const id = await start(['web']);
    bench.database.db.$client.exec(`update commands set state = '{' where pipeline_id = '${id}'`);
    await bench.crash();
    await bench.advance(2 * TICK_MS);
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect((await viewOf(id)).hosts[0]?.steps).toMatchObject([{ status: 'failed', outcome: 'lost' }]);
  });
});

describe('a merge before the hosts', () => {
  const deploy = () =>
    start(['web'], { kind: 'merge-deploy', pullRequest: { number: 7, seen: 'c0ffee' }, stepUp: true });

  it('is done once; then the desired state is fetched and the hosts start', async () => {
    const web = await agent('web');
    const id = await deploy();
    expect(bench.flakeUpdates.requested).toEqual(['7 c0ffee']);
    await bench.advance(5 * TICK_MS);
    expect(bench.flakeUpdates.requested).toEqual(['7 c0ffee']);
    expect(web.commands()).toEqual([]);
    await bench.flakeUpdates.answer({ kind: 'merged', commit: 'abcdef0123456789' });
    expect(bench.desired.refreshed).toBe(1);
    expect(web.commands()).toEqual(['pull']);
    expect((await viewOf(id)).prelude).toMatchObject({ status: 'done', reason: '#7 was merged as abcdef0.' });
  });

  it('is refused if no forge is configured', async () => {
    await agent('web');
    bench.flakeUpdates.state = { ...bench.flakeUpdates.state, source: 'none' };
    await expect(deploy()).rejects.toThrow('No forge is configured');
    expect(bench.flakeUpdates.requested).toEqual([]);
  });

  it.each(['refused', 'failed'] as const)('that is %s ends the pipeline without running any host', async (kind) => {
    const web = await agent('web');
    const id = await deploy();
    await bench.flakeUpdates.answer({ kind, reason: 'The checks are red.' });
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed', prelude: { status: 'failed' } });
    expect((await viewOf(id)).reason).toContain('The checks are red.');
    expect(web.commands()).toEqual([]);
  });

  it('that gets no answer ends the pipeline as well', async () => {
    await agent('web');
    const id = await deploy();
    await bench.advance(MERGE_ANSWER_MS);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    await bench.flakeUpdates.answer({ kind: 'merged', commit: '' });
    expect(await viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
  });

  it('is requested again after a restart during it', async () => {
    await agent('web');
    const id = await deploy();
    await bench.crash();
    const back = await agent('web');
    await bench.advance(TICK_MS);
    expect(bench.flakeUpdates.requested).toEqual(['7 c0ffee', '7 c0ffee']);
    await bench.flakeUpdates.answer({ kind: 'merged', commit: '' });
    await bench.advance(TICK_MS);
    expect(back.commands()).toEqual(['pull']);
    expect(await viewOf(id)).toMatchObject({ prelude: { status: 'done', reason: '#7 was merged.' } });
  });
});
