/** Pipelines on a real database, with agents that a test plays. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STAGE_WAIT_MS } from './pipeline-machine';
import { MERGE_ANSWER_MS } from './pipeline-merge';
import { MAX_RUNNING_PIPELINES } from './pipeline-definitions';
import { BY, openBench, QUIET, type Bench, type TestLink } from '../testing/test-fleet';
import type { PipelineRequest } from '../records/requests';

const TICK_MS = 1_000;

let bench: Bench;
let requests = 0;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => {
  bench.close();
});

/** An agent that registered and sent its first heartbeat. */
function agent(name: string): TestLink {
  const link = bench.agent(name);
  bench.say(link, 'heartbeat', QUIET);
  return link;
}

function start(hostIds: readonly string[], more: Partial<PipelineRequest> = {}): string {
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
  const result = bench.fleet.startPipeline(request);
  if (result.kind !== 'started') throw new Error(`not started: ${JSON.stringify(result)}`);
  return result.pipelineId;
}

const viewOf = (id: string) => {
  const view = bench.fleet.pipeline(id);
  if (!view) throw new Error(`no pipeline ${id}`);
  return view;
};
const statuses = (id: string) => viewOf(id).hosts.map(({ status }) => status);

/** The host's command ends with a status and an idle heartbeat. */
function ends(link: TestLink, command: string, status = 'ok'): void {
  bench.say(link, 'status', { status, command, exit_code: status === 'ok' ? 0 : 1 });
  bench.say(link, 'heartbeat', QUIET);
}

describe('stages', () => {
  it('follow each other on each host independently, and events name requester, stages and outcome', () => {
    const web = agent('web');
    const db = agent('db');
    const id = start(['web', 'db']);
    expect([web.commands(), db.commands()]).toEqual([['pull'], ['pull']]);
    ends(web, 'pull');
    expect([web.commands(), db.commands()]).toEqual([['pull', 'test'], ['pull']]);
    ends(web, 'test');
    ends(db, 'pull', 'error');
    const view = viewOf(id);
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
      expect(commandId && bench.fleet.command(commandId)).toMatchObject({ phase: 'ended' });
    }
    const told = bench.fleet.events({ limit: 50 }).filter(({ action }) => action.startsWith('pipeline.'));
    expect(told.map(({ action, actor, address, outcome }) => [action, actor, address, outcome])).toEqual([
      ['pipeline.ended', 'dashboard', '', 'partial'],
      ['pipeline.started', 'operator', BY.address, ''],
    ]);
  });

  it('start after the host is back from a switch and has sent a heartbeat', () => {
    const web = agent('web');
    const id = start(['web'], { kind: 'do-all' });
    ends(web, 'pull');
    expect(web.commands()).toEqual(['pull', 'switch']);
    bench.say(web, 'status', { status: 'ok', command: 'switch', exit_code: 0 });
    bench.fleet.inbox.disconnected(web, 1000, '');
    bench.clock.advance(5 * TICK_MS);
    const back = bench.agent('web');
    bench.clock.advance(5 * TICK_MS);
    expect(back.commands()).toEqual([]);
    bench.say(back, 'heartbeat', QUIET);
    bench.clock.advance(TICK_MS);
    expect(back.commands()).toEqual(['test']);
    ends(back, 'test');
    expect(viewOf(id)).toMatchObject({ outcome: 'succeeded' });
  });

  it('wait up to a limit while the host is busy with another command', () => {
    const web = agent('web');
    const db = agent('db');
    bench.dispatch('refresh-git', 'web');
    bench.say(db, 'heartbeat', { ...QUIET, pending_command: 'by hand' });
    const id = start(['web', 'db']);
    expect(viewOf(id).hosts.map(({ steps }) => steps.at(-1)?.reason)).toEqual([
      'web is busy: the Git status refresh is in progress.',
      'The agent of db reports that it is still running "by hand".',
    ]);
    ends(web, 'refresh-git');
    bench.clock.advance(TICK_MS);
    expect(web.commands()).toEqual(['refresh-git', 'pull']);
    // A minute at a time: agents are alive.
    for (let waited = 0; waited <= STAGE_WAIT_MS; waited += 60_000) {
      bench.clock.advance(60_000);
      bench.say(web, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    }
    expect(db.commands()).toEqual([]);
    expect(viewOf(id).hosts[1]).toMatchObject({ status: 'skipped' });
    expect(viewOf(id).hosts[1]?.reason).toContain('still running "by hand"');
  });

  it('for a version-1 agent wait in its queue and belong to the pipeline', () => {
    const call = { id: 'old', address: '198.51.100.9', identity: { kind: 'shared' } } as const;
    bench.fleet.v1Inbox.poll(call);
    const id = start(['old'], { stages: ['pull-switch'] });
    expect(viewOf(id).hosts[0]).toMatchObject({ status: 'running', steps: [{ status: 'running' }] });
    expect(bench.fleet.v1Inbox.poll(call)).toMatchObject({ command: 'pull-switch' });
    // It never reports a result: the end of its command ends the stage.
    for (let minutes = 0; viewOf(id).phase !== 'ended' && minutes < 200; minutes += 1) {
      bench.clock.advance(60_000);
      bench.fleet.v1Inbox.poll(call);
    }
    expect(viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
  });

  it('fail when a version-1 agent does not poll in time', () => {
    bench.fleet.v1Inbox.poll({ id: 'old', address: '198.51.100.9', identity: { kind: 'shared' } });
    const id = start(['old'], { stages: ['pull-switch'] });
    bench.clock.advance(STAGE_WAIT_MS);
    expect(viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect(viewOf(id).hosts[0]).toMatchObject({ status: 'failed', steps: [{ outcome: 'expired' }] });
  });

  it('for a version-1 agent that has not polled are cancelled with the pipeline', () => {
    const call = { id: 'old', address: '198.51.100.9', identity: { kind: 'shared' } } as const;
    bench.fleet.v1Inbox.poll(call);
    const id = start(['old'], { stages: ['pull-switch'] });
    expect(bench.fleet.cancelPipeline(id, { stopRunning: false }, BY)).toBe(true);
    expect(bench.fleet.v1Inbox.poll(call)).toMatchObject({ command: null });
    expect(viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'cancelled' });
    expect(bench.fleet.commandsOf('old', 1)).toMatchObject([{ outcome: 'cancelled' }]);
  });

  it('never act on another operator’s command: a restart waits', () => {
    const web = agent('web');
    bench.dispatch('test', 'web');
    start(['web'], { stages: ['restart'] });
    bench.clock.advance(5 * TICK_MS);
    expect(web.commands()).toEqual(['test']);
    ends(web, 'test');
    bench.clock.advance(TICK_MS);
    expect(web.commands()).toEqual(['test', 'restart']);
  });

  it('go on to the switch after a pull of a commit that is not in the feed yet', () => {
    const web = agent('web');
    bench.desired.state = { ...bench.desired.state, source: 'feed', commit: 'c'.repeat(40), fetchedAt: 1 };
    bench.desired.relations.set('bbbbbbb', { relation: 'differs', commits: null });
    const id = start(['web'], { stages: ['pull', 'switch'] });
    bench.say(web, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    bench.say(web, 'heartbeat', { ...QUIET, generation: 'bbbbbbb' });
    expect(bench.fleet.host('web')?.compartments.git.status).toBe('outdated');
    expect(web.commands()).toEqual(['pull', 'switch']);
    expect(viewOf(id).hosts[0]?.steps[0]).toMatchObject({ status: 'done', outcome: 'succeeded' });
  });

  it('are refused if the host can’t run them: a switch on a host that has not pulled', () => {
    const web = agent('web');
    bench.desired.state = { ...bench.desired.state, source: 'git', commit: 'c'.repeat(40), fetchedAt: 1 };
    bench.desired.relations.set('aaaaaaa', { relation: 'behind', commits: 2 });
    const id = start(['web'], { stages: ['switch'] });
    expect(web.commands()).toEqual([]);
    expect(viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect(viewOf(id).hosts[0]).toMatchObject({ status: 'skipped' });
    expect(viewOf(id).hosts[0]?.reason).toContain('does not have the desired configuration');
    start(['web'], { stages: ['switch'], force: true });
    expect(web.commands()).toEqual(['switch']);
  });

  it('run on a limited number of hosts at the same time', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const links = names.map(agent);
    const id = start(names, { stages: ['test'], parallelism: 2 });
    const sent = () => links.map((link) => link.commands().length).join('');
    expect(sent()).toBe('11000');
    ends(links[1]!, 'test', 'error');
    expect(sent()).toBe('11100');
    for (const link of [links[0]!, links[2]!, links[3]!, links[4]!]) ends(link, 'test');
    expect(viewOf(id)).toMatchObject({ outcome: 'partial', counts: { done: 4, failed: 1 } });
  });

  it('stop at the first failure if requested', () => {
    const links = ['a', 'b', 'c'].map(agent);
    const id = start(['a', 'b', 'c'], { parallelism: 2, stopOnFailure: true });
    ends(links[0]!, 'pull', 'error');
    expect(statuses(id)).toEqual(['failed', 'running', 'skipped']);
    ends(links[1]!, 'pull');
    expect(viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect(links.map((link) => link.commands())).toEqual([['pull'], ['pull'], []]);
  });
});

describe('ends of several hosts in one transaction', () => {
  it('are all processed, and the next stages are sent together', () => {
    bench.close();
    bench = openBench({ groupMs: 4 });
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const links = names.map((name) => {
      const link = agent(name);
      bench.clock.advance(10);
      return link;
    });
    const id = start(names, { parallelism: 3 });
    const commits = vi.spyOn(bench.store, 'commit');
    for (const link of links.slice(0, 3)) bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    bench.clock.advance(10);
    for (const link of links.slice(0, 3)) bench.say(link, 'heartbeat', QUIET);
    bench.clock.advance(10);
    expect(links.map((link) => link.commands().length)).toEqual([2, 2, 2, 0, 0, 0]);
    // The statuses, the ends and the next stages: one transaction each for three hosts.
    expect(commits).toHaveBeenCalledTimes(3);
    for (const link of links.slice(0, 3)) bench.say(link, 'status', { status: 'ok', command: 'test', exit_code: 0 });
    bench.clock.advance(10);
    for (const link of links.slice(0, 3)) bench.say(link, 'heartbeat', QUIET);
    bench.clock.advance(10);
    expect(viewOf(id).counts).toMatchObject({ done: 3, running: 3 });
    expect(links.map((link) => link.commands().length)).toEqual([2, 2, 2, 1, 1, 1]);
  });
});

describe('a pipeline request', () => {
  it('makes one pipeline when it is repeated, also after a restart', () => {
    const web = agent('web');
    const id = start(['web'], { requestId: 'click' });
    expect(start(['web'], { requestId: 'click' })).toBe(id);
    bench.crash();
    expect(start(['web'], { requestId: 'click' })).toBe(id);
    expect(bench.fleet.pipelines(10)).toHaveLength(1);
    expect(web.commands()).toEqual(['pull']);
  });

  it('is refused if it is invalid, and nothing is stored', () => {
    agent('web');
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
    expect(ask({ stages: ['stop'] })).toMatchObject({ kind: 'refused' });
    expect(ask({ hostIds: ['nobody'] })).toMatchObject({ kind: 'refused' });
    expect(ask({ kind: 'merge-deploy' })).toMatchObject({ kind: 'refused' });
    expect(ask({ stages: ['pull', 'reboot'] })).toMatchObject({ kind: 'refused' });
    expect(bench.fleet.pipelines(10)).toEqual([]);
    expect(ask({ stages: ['pull', 'reboot'], stepUp: true })).toMatchObject({ kind: 'started' });
  });

  it('skips hosts that are in another pipeline', () => {
    agent('web');
    agent('db');
    start(['web']);
    const id = start(['web', 'db']);
    expect(statuses(id)).toEqual(['skipped', 'running']);
    expect(viewOf(id).hosts[0]?.reason).toBe('web is in another pipeline: Custom by operator.');
  });

  it('sends nothing if the database refuses it', () => {
    const web = agent('web');
    const commit = vi.spyOn(bench.store, 'commit').mockImplementation(() => {
      throw new Error('the disk is full');
    });
    const result = bench.fleet.startPipeline({
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

  it('is refused beyond the limit on pipelines', () => {
    for (let n = 0; n < MAX_RUNNING_PIPELINES; n += 1) {
      agent(`h${n}`);
      start([`h${n}`]);
    }
    agent('more');
    expect(() => start(['more'])).toThrow('pipelines are already running');
  });
});

describe('cancelling a pipeline', () => {
  it('starts nothing more and lets running commands continue', () => {
    const web = agent('web');
    const db = agent('db');
    const id = start(['web', 'db'], { parallelism: 1 });
    expect(bench.fleet.cancelPipeline(id, { stopRunning: false }, BY)).toBe(true);
    expect(statuses(id)).toEqual(['running', 'skipped']);
    ends(web, 'pull');
    expect(viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'cancelled' });
    expect([web.commands(), db.commands()]).toEqual([['pull'], []]);
    expect(bench.fleet.cancelPipeline(id, { stopRunning: false }, BY)).toBe(false);
    expect(bench.fleet.events({ limit: 50 })).toContainEqual(
      expect.objectContaining({ action: 'pipeline.cancelled', actor: 'operator', address: BY.address }),
    );
  });

  it('stops running commands if requested', () => {
    const web = agent('web');
    const id = start(['web']);
    bench.fleet.cancelPipeline(id, { stopRunning: true }, BY);
    expect(web.commands()).toEqual(['pull', 'stop']);
    bench.say(web, 'status', { status: 'stopped', command: 'pull' });
    bench.say(web, 'heartbeat', QUIET);
    expect(viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'cancelled', counts: { failed: 1 } });
    expect(viewOf(id).hosts[0]?.reason).toContain('stopped');
  });
});

describe('a restart of the dashboard', () => {
  it('during a stage recovers the command and the pipeline, and sends nothing twice', () => {
    const wire = [agent('web')];
    const id = start(['web']);
    bench.crash();
    expect(viewOf(id)).toMatchObject({ phase: 'running' });
    bench.clock.advance(5 * TICK_MS);
    const back = bench.agent('web');
    wire.push(back);
    bench.say(back, 'heartbeat', { ...QUIET, pending_command: 'pull' });
    bench.clock.advance(5 * TICK_MS);
    ends(back, 'pull');
    ends(back, 'test');
    expect(wire.map((link) => link.commands())).toEqual([['pull'], ['test']]);
    expect(viewOf(id)).toMatchObject({ outcome: 'succeeded' });
  });

  it('waits for hosts that have not come back, including waiting ones, up to a limit', () => {
    const web = agent('web');
    agent('db');
    const id = start(['web', 'db'], { parallelism: 1 });
    bench.crash();
    bench.clock.advance(60_000);
    const back = bench.agent('web');
    bench.say(back, 'heartbeat', QUIET);
    bench.say(back, 'heartbeat', QUIET);
    expect(viewOf(id).hosts[0]).toMatchObject({ status: 'failed' });
    bench.clock.advance(60_000);
    expect(viewOf(id).hosts[1]?.steps.at(-1)).toMatchObject({ status: 'waiting', reason: 'db is offline.' });
    bench.clock.advance(STAGE_WAIT_MS);
    expect(viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect(viewOf(id).hosts[1]).toMatchObject({ status: 'skipped' });
    expect([web.commands(), back.commands()]).toEqual([['pull'], []]);
  });

  it('between two stages sends the next one once', () => {
    const web = agent('web');
    const id = start(['web']);
    // The end of the pull is stored; the next step with its command is not.
    const store = bench.store.commit.bind(bench.store);
    const commit = vi.spyOn(bench.store, 'commit').mockImplementation((writes) => {
      if (writes.commands?.some(({ operation }) => operation === 'test')) throw new Error('the power failed');
      return store(writes);
    });
    ends(web, 'pull');
    expect(web.commands()).toEqual(['pull']);
    bench.crash();
    commit.mockRestore();
    expect(viewOf(id).hosts[0]?.steps.map(({ status }) => status)).toEqual(['running']);
    const back = agent('web');
    bench.clock.advance(3 * TICK_MS);
    expect(back.commands()).toEqual(['test']);
    bench.clock.advance(3 * TICK_MS);
    expect(back.commands()).toEqual(['test']);
  });

  it('finds that a stage’s command has ended', () => {
    agent('web');
    const id = start(['web']);
    bench.database.db.$client.exec(`update commands set state = '{' where pipeline_id = '${id}'`);
    bench.crash();
    bench.clock.advance(2 * TICK_MS);
    expect(viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect(viewOf(id).hosts[0]?.steps).toMatchObject([{ status: 'failed', outcome: 'lost' }]);
  });
});

describe('a merge before the hosts', () => {
  const deploy = () => start(['web'], { kind: 'merge-deploy', pullRequest: { number: 7, seen: 'c0ffee' } });

  it('is done once; then the desired state is fetched and the hosts start', async () => {
    const web = agent('web');
    const id = deploy();
    expect(bench.flakeUpdates.requested).toEqual(['7 c0ffee']);
    bench.clock.advance(5 * TICK_MS);
    expect(bench.flakeUpdates.requested).toEqual(['7 c0ffee']);
    expect(web.commands()).toEqual([]);
    await bench.flakeUpdates.answer({ kind: 'merged', commit: 'abcdef0123456789' });
    expect(bench.desired.refreshed).toBe(1);
    expect(web.commands()).toEqual(['pull']);
    expect(viewOf(id).prelude).toMatchObject({ status: 'done', reason: '#7 was merged as abcdef0.' });
  });

  it('is refused if no forge is configured', () => {
    agent('web');
    bench.flakeUpdates.state = { ...bench.flakeUpdates.state, source: 'none' };
    expect(deploy).toThrow('No forge is configured');
    expect(bench.flakeUpdates.requested).toEqual([]);
  });

  it.each(['refused', 'failed'] as const)('that is %s ends the pipeline without running any host', async (kind) => {
    const web = agent('web');
    const id = deploy();
    await bench.flakeUpdates.answer({ kind, reason: 'The checks are red.' });
    expect(viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed', prelude: { status: 'failed' } });
    expect(viewOf(id).reason).toContain('The checks are red.');
    expect(web.commands()).toEqual([]);
  });

  it('that gets no answer ends the pipeline as well', async () => {
    agent('web');
    const id = deploy();
    bench.clock.advance(MERGE_ANSWER_MS);
    await new Promise((resolve) => setImmediate(resolve));
    expect(viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
    await bench.flakeUpdates.answer({ kind: 'merged', commit: '' });
    expect(viewOf(id)).toMatchObject({ phase: 'ended', outcome: 'failed' });
  });

  it('is requested again after a restart during it', async () => {
    agent('web');
    const id = deploy();
    bench.crash();
    const back = agent('web');
    bench.clock.advance(TICK_MS);
    expect(bench.flakeUpdates.requested).toEqual(['7 c0ffee', '7 c0ffee']);
    await bench.flakeUpdates.answer({ kind: 'merged', commit: '' });
    bench.clock.advance(TICK_MS);
    expect(back.commands()).toEqual(['pull']);
    expect(viewOf(id)).toMatchObject({ prelude: { status: 'done', reason: '#7 was merged.' } });
  });
});
