import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_DESIRED_STATE } from '@/lib/fleet/hosts/desired';
import { createLog } from '@/lib/log';
import { createDesired, type Desired, type DesiredOptions } from './desired-service';
import { TestClock } from '@/lib/fleet/testing/test-clock';
import { createGate } from './testing/gate';
import { createTestRepository, serve, temporaryFolder, type TestRepository } from './testing/repository';

let folder: ReturnType<typeof temporaryFolder>;
let clock: TestClock;
let repository: TestRepository;
let desired: Desired | null;
beforeEach(() => {
  folder = temporaryFolder();
  mkdirSync(join(folder.path, 'data'));
  clock = new TestClock();
  repository = createTestRepository(folder.path);
  desired = null;
});
afterEach(async () => {
  await desired?.stop();
  folder.remove();
});

function create(options: Partial<DesiredOptions>): Desired {
  desired = createDesired({
    versionUrl: '',
    configRepo: '',
    branch: 'main',
    flakeDir: '',
    dataDir: join(folder.path, 'data'),
    intervalMs: 60_000,
    clock,
    log: createLog('error', { write: () => undefined }),
    random: () => 0.5,
    ...options,
  });
  return desired;
}

/** Waits for the condition, checking after each change of the source. */
function until(of: Desired, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (condition()) {
      resolve();
      return;
    }
    const end = of.subscribe(() => {
      if (!condition()) return;
      end();
      resolve();
    });
  });
}

describe('without configuration', () => {
  it('there is no desired state', async () => {
    const none = create({});
    none.start();
    await none.refresh();
    expect(none.state).toBe(NO_DESIRED_STATE);
    expect(none.relate('0123456')).toEqual({ relation: 'unknown', commits: null });
  });
});

describe('the repository', () => {
  it('wins over the feed, and reports ancestry once it is known', async () => {
    const one = repository.commit('one');
    const two = repository.commit('two');
    const git = create({ configRepo: repository.path, versionUrl: 'http://127.0.0.1:1/version.json' });
    expect(git.state).toMatchObject({ source: 'git', branch: 'main', commit: '', error: null });
    expect(git.relate(one).relation).toBe('unknown');
    git.start();
    await until(git, () => git.state.commit === two);
    expect(git.state.fetchedAt).toBe(clock.now());
    expect(git.relate(two.slice(0, 7))).toEqual({ relation: 'equal', commits: 0 });
    expect(git.relate('')).toEqual({ relation: 'unknown', commits: null });
    await until(git, () => git.relate(one).relation === 'behind');
    expect(git.relate(one)).toEqual({ relation: 'behind', commits: 1 });
  });

  it('has the relations to a new target when it announces the target', async () => {
    const one = repository.commit('one');
    const two = repository.commit('two');
    const git = create({ configRepo: repository.path });
    await git.refresh();
    expect(git.relate(two.slice(0, 7)).relation).toBe('equal');
    await until(git, () => git.relate(one).relation === 'behind');
    repository.git('reset', '--quiet', '--hard', one);
    const three = repository.commit('three');
    const seen: string[] = [];
    git.subscribe(() => {
      seen.push(`${git.state.commit} ${git.relate(one).relation} ${git.relate(two.slice(0, 7)).relation}`);
    });
    await git.refresh();
    expect(seen).toEqual([`${three} behind diverged`]);
  });

  it('fetches once for each unknown commit that a host runs', async () => {
    const one = repository.commit('one');
    const git = create({ configRepo: repository.path });
    await git.refresh();
    expect(git.state.commit).toBe(one);
    const two = repository.commit('two');
    clock.advance(20_000);
    expect(git.relate(two.slice(0, 7)).relation).toBe('unknown');
    await clock.whenPlanned(1);
    expect(clock.planned()).toEqual([0]);
    clock.advance(0);
    await until(git, () => git.state.commit === two);
    expect(git.relate(two.slice(0, 7)).relation).toBe('equal');
    // This commit was never pushed: it is fetched for once, at the earliest 15 s after the last fetch.
    const stranger = 'f'.repeat(40);
    expect(git.relate(stranger).relation).toBe('unknown');
    await clock.whenPlanned(1);
    expect(clock.planned()).toEqual([15_000]);
    await git.refresh();
    await git.refresh();
    expect(git.relate(stranger).relation).toBe('unknown');
    expect(clock.planned()).toEqual([]);
  });

  it('keeps the last good answer through failures, with the time of the first failure', async () => {
    const one = repository.commit('one');
    const git = create({ configRepo: repository.path });
    await git.refresh();
    const fetchedAt = clock.now();
    renameSync(repository.path, `${repository.path}-away`);
    clock.advance(1_000);
    await git.refresh();
    const since = clock.now();
    clock.advance(1_000);
    await git.refresh();
    expect(git.state).toMatchObject({ commit: one, fetchedAt, error: { since } });
    renameSync(`${repository.path}-away`, repository.path);
    clock.advance(1_000);
    await git.refresh();
    expect(git.state).toMatchObject({ commit: one, fetchedAt: clock.now(), error: null });
  });

  it('returns a new object only when something changed', async () => {
    const git = create({ configRepo: join(folder.path, 'nothing') });
    await git.refresh();
    const before = git.state;
    let calls = 0;
    git.subscribe(() => (calls += 1));
    await git.refresh();
    expect(git.state).toBe(before);
    expect(calls).toBe(0);
  });

  it('logs no credentials', async () => {
    const lines: string[] = [];
    const server = await serve((_request, response) => response.writeHead(403).end('no'));
    const git = create({
      configRepo: `${server.url.replace('//', '//ada:hunter22@')}/config`,
      log: createLog('debug', { write: (line) => lines.push(line) }),
    });
    await git.refresh();
    expect(lines.join('')).toContain('cannot be fetched');
    expect(lines.join('') + JSON.stringify(git.state)).not.toMatch(/hunter22/);
    await server.close();
  });

  it('stops git when it is stopped', async () => {
    const asked = createGate();
    const cut = createGate();
    const server = await serve((request) => {
      request.socket.on('close', () => cut.open());
      asked.open();
    });
    const git = create({ configRepo: `${server.url}/config` });
    git.start();
    await asked.opened;
    await git.stop();
    await cut.opened;
    expect(git.state.error).toBeNull();
    await server.close();
  });
});

describe('the feed', () => {
  const COMMIT = '0123456789abcdef0123456789abcdef01234567';

  it('reports equal and differs, and is fetched again once for a commit that differs', async () => {
    let commit = COMMIT;
    let requests = 0;
    const server = await serve((_request, response) => {
      requests += 1;
      response.end(JSON.stringify({ gitCommit: commit, branch: 'prod', lockHash: 'b'.repeat(64) }));
    });
    const feed = create({ versionUrl: `${server.url}/version.json` });
    expect(feed.relate(COMMIT)).toEqual({ relation: 'unknown', commits: null });
    feed.start();
    await until(feed, () => feed.state.commit === COMMIT);
    expect(feed.state).toMatchObject({ source: 'feed', branch: 'prod', hint: null });
    expect(feed.relate('0123456').relation).toBe('equal');
    expect(feed.relate('').relation).toBe('unknown');
    commit = 'f'.repeat(40);
    for (let times = 0; times < 20; times += 1) expect(feed.relate('fffffff').relation).toBe('differs');
    clock.advance(15_000);
    await until(feed, () => feed.state.commit === commit);
    expect(feed.relate('fffffff').relation).toBe('equal');
    expect(requests).toBe(2);
    await server.close();
  });
});
