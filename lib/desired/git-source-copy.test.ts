/** The copy of the repository: kept through failures, created again when it is damaged. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTestRepository, gitBackend, serve } from './testing/repository';
import { answerOf, LOCK, messageOf, never, relationTo, useSourceBench } from './testing/source-bench';

const bench = useSourceBench();
const { mirror, source } = bench;

describe('the copy', () => {
  it('is recreated for another address', async () => {
    bench.repository.commit('one');
    answerOf(await source().fetch(never));
    const other = createTestRepository(bench.folder, 'other');
    const commit = other.commit('elsewhere');
    const git = source({ repository: other.path });
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
    expect(await relationTo(git, commit, bench.repository.git('rev-parse', 'HEAD'))).toEqual({
      relation: 'unknown',
      commits: null,
    });
  });

  it.each<[string, () => void]>([
    ['its HEAD is gone', () => rmSync(join(mirror(), 'HEAD'))],
    ['its objects are gone', () => rmSync(join(mirror(), 'objects'), { recursive: true })],
    ['its references are rubbish', () => writeFileSync(join(mirror(), 'refs', 'mirror', 'main'), 'rubbish')],
    ['its configuration is rubbish', () => writeFileSync(join(mirror(), 'config'), '[core')],
    ['its marker is half written', () => writeFileSync(join(mirror(), 'nixfleet-mirror.json'), '{"made')],
    [
      'its objects are cut off',
      () => {
        const objects = readdirSync(join(mirror(), 'objects'), { recursive: true, encoding: 'utf8' });
        for (const name of objects.filter((path) => /[0-9a-f]{38}/.test(path))) {
          const path = join(mirror(), 'objects', name);
          rmSync(path);
          writeFileSync(path, '');
          truncateSync(path, 0);
        }
      },
    ],
  ])('is recreated when %s', async (_name, damage) => {
    bench.repository.commit('one', { 'flake.lock': LOCK });
    const git = source();
    answerOf(await git.fetch(never));
    damage();
    const commit = bench.repository.commit('two');
    const answer = answerOf(await git.fetch(never));
    expect(answer.commit).toBe(commit);
    expect(answer.lockHash).toHaveLength(64);
    expect(await relationTo(git, commit, bench.repository.git('rev-parse', 'HEAD~1'))).toEqual({
      relation: 'behind',
      commits: 1,
    });
    expect(readdirSync(bench.dataDir)).toEqual(['config-mirror.git']);
  });

  it.each([
    'refs/mirror/main.lock',
    'refs/mirror/new.lock',
    'packed-refs.lock',
    'shallow.lock',
    'HEAD.lock',
    'config.lock',
  ])('is kept when a killed git process left %s behind, with the commits that were pushed over', async (lock) => {
    bench.repository.commit('one');
    const lost = bench.repository.commit('pushed over');
    const git = source();
    answerOf(await git.fetch(never));
    bench.repository.git('reset', '--quiet', '--hard', 'HEAD~1');
    bench.repository.git('branch', 'gone');
    answerOf(await git.fetch(never));
    writeFileSync(join(mirror(), lock), '');
    bench.repository.git('branch', '--delete', '--force', 'gone');
    bench.repository.git('branch', 'new');
    const commit = bench.repository.commit('two');
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
    expect(await relationTo(git, commit, lost)).toEqual({ relation: 'diverged', commits: null });
  });

  it('keeps the lock of a git process that runs, and names the process', async () => {
    bench.repository.commit('one');
    const git = source();
    answerOf(await git.fetch(never));
    const lock = join(mirror(), 'refs', 'mirror', 'main.lock');
    const running = spawn('git', [`--git-dir=${mirror()}`, 'cat-file', '--batch'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    try {
      running.stdin.write('HEAD\n');
      await new Promise((resolve) => running.stdout.once('data', resolve));
      writeFileSync(lock, '');
      bench.repository.commit('two');
      expect(messageOf(await git.fetch(never))).toContain(`may belong to the process ${running.pid}`);
      expect(existsSync(lock)).toBe(true);
    } finally {
      running.kill('SIGKILL');
      await new Promise((resolve) => running.once('close', resolve));
    }
    answerOf(await git.fetch(never));
  });

  it.each([
    ['a folder', 'topic', 'topic/part'],
    ['a branch', 'topic/part', 'topic'],
  ])('follows a branch that became %s', async (_what, before, after) => {
    bench.repository.commit('one');
    bench.repository.git('branch', before);
    const git = source({ branch: 'main' });
    answerOf(await git.fetch(never));
    bench.repository.git('branch', '--delete', '--force', before);
    bench.repository.git('switch', '--quiet', '--create', after);
    const commit = bench.repository.commit('two');
    expect(answerOf(await source({ branch: after }).fetch(never)).commit).toBe(commit);
  });

  it('is fetched after its fetch was killed', async () => {
    bench.repository.commit('one', { 'flake.lock': LOCK });
    const backend = gitBackend(bench.folder);
    const stop = new AbortController();
    let isStalled = false;
    const server = await serve((request, response) => {
      // The objects come with a POST.
      if (isStalled && request.method === 'POST') stop.abort();
      else backend(request, response);
    });
    const git = source({ repository: `${server.url}/config/.git` });
    answerOf(await git.fetch(never));
    const commit = bench.repository.commit('two', { 'flake.lock': 'new' });
    isStalled = true;
    expect((await git.fetch(stop.signal)).kind).toBe('failed');
    isStalled = false;
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
    await server.close();
  });

  it('is kept while the repository cannot be reached', async () => {
    const one = bench.repository.commit('one');
    const two = bench.repository.commit('two');
    const git = source();
    answerOf(await git.fetch(never));
    rmSync(bench.repository.path, { recursive: true });
    messageOf(await git.fetch(never));
    expect(await relationTo(git, two, one)).toEqual({ relation: 'behind', commits: 1 });
  });

  it('never replaces a folder that NixFleet did not create', async () => {
    bench.repository.commit('one');
    mkdirSync(mirror());
    writeFileSync(join(mirror(), 'precious'), 'keep');
    expect(messageOf(await source().fetch(never))).toContain('was not created by NixFleet');
    expect(readFileSync(join(mirror(), 'precious'), 'utf8')).toBe('keep');
  });

  it('recovers from a crash in the middle of a copy', async () => {
    const commit = bench.repository.commit('one');
    mkdirSync(`${mirror()}.new`);
    expect(answerOf(await source().fetch(never)).commit).toBe(commit);
  });
});
