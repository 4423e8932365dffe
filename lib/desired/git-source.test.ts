import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGate } from './testing/gate';
import { createTestRepository, gitBackend, serve } from './testing/repository';
import { answerOf, LOCK, messageOf, never, relationTo, useSourceBench } from './testing/source-bench';

const bench = useSourceBench();
const { mirror, source } = bench;

describe('the target', () => {
  it('is the newest commit of the branch, with the hash of its lock', async () => {
    bench.repository.commit('Start', { 'flake.lock': 'old' });
    const commit = bench.repository.commit('Update inputs\n\nmore', { 'flake.lock': LOCK });
    expect(answerOf(await source().fetch(never))).toEqual({
      branch: 'main',
      commit,
      message: 'Update inputs',
      committedAt: Date.parse('2026-01-31T12:00:00Z'),
      lockHash: createHash('sha256').update(LOCK).digest('hex'),
      commitUrl: null,
      hint: null,
    });
    expect(statSync(mirror()).mode & 0o777).toBe(0o700);
  });

  it('follows the branch, also after a force-push, by path and by file address', async () => {
    const first = bench.repository.commit('one', { 'flake.lock': LOCK });
    const git = source({ repository: `file://${bench.repository.path}` });
    answerOf(await git.fetch(never));
    const second = bench.repository.commit('two');
    expect(answerOf(await git.fetch(never)).commit).toBe(second);
    bench.repository.git('reset', '--quiet', '--hard', first);
    const forced = bench.repository.commit('two, otherwise');
    expect(answerOf(await git.fetch(never)).commit).toBe(forced);
    // A host may still run what was pushed over.
    expect(await relationTo(git, forced, second.slice(0, 7))).toEqual({ relation: 'diverged', commits: null });
  });

  it('is that of the configured branch', async () => {
    bench.repository.commit('one');
    bench.repository.git('switch', '--quiet', '--create', 'staging/next');
    const commit = bench.repository.commit('two');
    bench.repository.git('switch', '--quiet', 'main');
    const answer = answerOf(await source({ branch: 'staging/next' }).fetch(never));
    expect(answer).toMatchObject({ commit, branch: 'staging/next' });
  });

  it('is read from the folder of the flake', async () => {
    bench.repository.commit('one', { 'flake.lock': 'of the root', 'systems/home/flake.lock': LOCK });
    const answer = answerOf(await source({ flakeDir: 'systems/home' }).fetch(never));
    expect(answer.lockHash).toBe(createHash('sha256').update(LOCK).digest('hex'));
    expect(answerOf(await source({ flakeDir: 'nix' }).fetch(never)).hint).toContain('no nix/flake.lock');
  });

  it('is found in a SHA-256 repository, and in one that changed its object format', async () => {
    const other = createTestRepository(bench.folder, 'sha256', 'sha256');
    const one = other.commit('one', { 'flake.lock': LOCK });
    const two = other.commit('two');
    expect(two).toHaveLength(64);
    const git = source({ repository: other.path });
    expect(answerOf(await git.fetch(never))).toMatchObject({ commit: two, lockHash: expect.any(String) as unknown });
    expect(await relationTo(git, two, one.slice(0, 7))).toEqual({ relation: 'behind', commits: 1 });
    const three = other.commit('three');
    expect(answerOf(await git.fetch(never)).commit).toBe(three);

    rmSync(other.path, { recursive: true });
    const same = createTestRepository(bench.folder, 'sha256');
    const commit = same.commit('converted');
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
  });

  it('is found in a SHA-256 repository that was empty at first', async () => {
    const other = createTestRepository(bench.folder, 'sha256', 'sha256');
    const git = source({ repository: other.path });
    expect(messageOf(await git.fetch(never))).toContain('is empty');
    const commit = other.commit('one');
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
  });

  it('has a hint when there is no flake.lock', async () => {
    bench.repository.commit('one');
    const answer = answerOf(await source().fetch(never));
    expect(answer.lockHash).toBe('');
    expect(answer.hint).toContain('no flake.lock');
  });
});

describe('ancestry', () => {
  it('reports equal, behind, ahead, diverged and unknown', async () => {
    const commits = ['one', 'two', 'three'].map((message) => bench.repository.commit(message));
    const [one = '', two = '', three = ''] = commits;
    bench.repository.git('switch', '--quiet', '--create', 'side', two);
    const side = bench.repository.commit('side');
    bench.repository.git('switch', '--quiet', '--orphan', 'deadbee');
    bench.repository.commit('a branch whose name looks like a commit');
    bench.repository.git('switch', '--quiet', 'main');
    const git = source();
    answerOf(await git.fetch(never));
    expect(await relationTo(git, three, three)).toEqual({ relation: 'equal', commits: 0 });
    expect(await relationTo(git, three, one.slice(0, 7))).toEqual({ relation: 'behind', commits: 2 });
    expect(await relationTo(git, one, three)).toEqual({ relation: 'ahead', commits: 2 });
    expect(await relationTo(git, three, side)).toEqual({ relation: 'diverged', commits: null });
    for (const commit of ['deadbee', 'f'.repeat(40), 'main', '-h', '--all', 'HEAD~1']) {
      expect(await relationTo(git, three, commit)).toEqual({ relation: 'unknown', commits: null });
    }
  });
});

describe('faults', () => {
  it('an empty repository, and then its first commit', async () => {
    const git = source();
    expect(messageOf(await git.fetch(never))).toContain('is empty: push a first commit to its branch main');
    const commit = bench.repository.commit('one');
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
  });

  it.each(['master', 'ma in', '../main', '-q', 'main~0', 'main^{commit}'])(
    'a branch that is not there: %s',
    async (branch) => {
      bench.repository.commit('one');
      const message = messageOf(await source({ branch }).fetch(never));
      expect(message).toContain(`has no branch "${branch}"`);
      expect(message).toContain('an existing one (main)');
    },
  );

  it('a missing repository', async () => {
    const message = messageOf(await source({ repository: join(bench.folder, 'nothing') }).fetch(never));
    expect(message).toContain('check NIXFLEET_CONFIG_REPO');
    expect(readdirSync(bench.dataDir)).toEqual([]);
  });

  it('an address that would run a program', async () => {
    const made = join(bench.folder, 'made');
    messageOf(await source({ repository: `ext::sh -c touch% ${made}` }).fetch(never));
    messageOf(await source({ repository: `--upload-pack=touch ${made}` }).fetch(never));
    expect(existsSync(made)).toBe(false);
  });

  it('no git', async () => {
    expect(messageOf(await source({ environment: { ...process.env, PATH: bench.folder } }).fetch(never))).toContain(
      'install git',
    );
  });

  it('a missing data folder', async () => {
    expect(messageOf(await source({ dataDir: join(bench.folder, 'gone') }).fetch(never))).toContain(
      'cannot be written (ENOENT)',
    );
  });

  it('a server that never answers', async () => {
    const server = await serve(() => undefined);
    const git = source({ repository: `${server.url}/config`, fetchTimeoutMs: 1_000 });
    expect(messageOf(await git.fetch(never))).toContain('did not answer within 1 s');
    await server.close();
  });

  it('ends git and its children when it is stopped', async () => {
    const stop = new AbortController();
    const cut = createGate();
    const server = await serve((request) => {
      request.socket.on('close', () => cut.open());
      stop.abort();
    });
    const outcome = await source({ repository: `${server.url}/config` }).fetch(stop.signal);
    expect(outcome.kind).toBe('failed');
    await cut.opened;
    await server.close();
  });
});

describe('credentials', () => {
  /** A git server that wants a password, and looks whether any process shows it. */
  async function guarded(password: string) {
    const backend = gitBackend(bench.folder);
    const shown: string[] = [];
    let allowed = 0;
    const server = await serve((request, response) => {
      for (const pid of existsSync('/proc/self/cmdline') ? readdirSync('/proc') : []) {
        if (!/^\d+$/.test(pid)) continue;
        try {
          const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
          if (line.includes(password)) shown.push(line);
        } catch {
          // It ended in the meantime.
        }
      }
      const [, basic = ''] = (request.headers.authorization ?? '').split(' ');
      if (Buffer.from(basic, 'base64').toString('utf8').split(':')[1] !== password) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
        return;
      }
      allowed += 1;
      backend(request, response);
    });
    return { server, shown, allowed: () => allowed };
  }

  it('in the address open the repository and are in no argument, file or message', async () => {
    const secret = 'tok3n-of-the-test-7f1b';
    const commit = bench.repository.commit('one', { 'flake.lock': LOCK });
    const { server, shown, allowed } = await guarded(secret);
    const git = source({ repository: `${server.url.replace('//', `//ada:${secret}@`)}/config/.git` });
    expect(answerOf(await git.fetch(never))).toMatchObject({
      commit,
      commitUrl: expect.stringContaining(server.url) as unknown,
    });
    expect(JSON.stringify(await git.fetch(never))).not.toContain(secret);
    expect(allowed()).toBeGreaterThan(0);
    expect(shown).toEqual([]);
    for (const name of ['config', 'nixfleet-mirror.json']) {
      expect(readFileSync(join(mirror(), name), 'utf8')).not.toContain(secret);
    }
    await server.close();
  });

  it('never reach another server, and the repository is found at its new name on the same one', async () => {
    const secret = 'tok3n-of-the-test-9c2d';
    const commit = bench.repository.commit('one', { 'flake.lock': LOCK });
    const seen: (string | undefined)[] = [];
    const backend = gitBackend(bench.folder);
    const second = await serve((request, response) => {
      seen.push(request.headers.authorization);
      backend(request, response);
    });
    let base = second.url;
    const first = await serve((request, response) => {
      const path = request.url ?? '';
      if (path.startsWith('/old.git')) {
        response.writeHead(301, { location: `${base}${path.replace('/old.git', '/config/.git')}` }).end();
      } else backend(request, response);
    });
    const git = source({ repository: `${first.url.replace('//', `//ada:${secret}@`)}/old.git` });
    const message = messageOf(await git.fetch(never));
    expect(message).toContain(`redirects to ${second.url}/config/.git`);
    expect(message).not.toContain(secret);
    expect(seen).toEqual([]);
    base = '';
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
    await first.close();
    await second.close();
  });

  it('that are wrong give an error without them', async () => {
    bench.repository.commit('one');
    const { server } = await guarded('right');
    const wrong = 'wr0ng-secret';
    const git = source({ repository: `${server.url.replace('//', `//ada:${wrong}@`)}/config/.git` });
    const message = messageOf(await git.fetch(never));
    expect(message).toContain('give NixFleet a token or key');
    expect(message).not.toMatch(/wr0ng-secret/);
    await server.close();
  });
});
