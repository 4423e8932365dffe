import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGitSource, type GitSourceOptions } from './git-source';
import type { FetchOutcome, DesiredStateSource } from './source';
import { createGate } from './testing/gate';
import { createTestRepository, gitBackend, serve, temporaryFolder, type TestRepository } from './testing/repository';

const never = new AbortController().signal;
const LOCK = '{"version": 7}\n';

let folder: ReturnType<typeof temporaryFolder>;
let dataDir: string;
let repository: TestRepository;
beforeEach(() => {
  folder = temporaryFolder();
  dataDir = join(folder.path, 'data');
  mkdirSync(dataDir);
  repository = createTestRepository(folder.path);
});
afterEach(() => folder.remove());

function source(options: Partial<GitSourceOptions> = {}): DesiredStateSource {
  return createGitSource({ repository: repository.path, branch: 'main', flakeDir: '', dataDir, ...options });
}
function answerOf(outcome: FetchOutcome) {
  if (outcome.kind === 'failed') throw new Error(outcome.message);
  return outcome.answer;
}
function messageOf(outcome: FetchOutcome) {
  if (outcome.kind === 'ok') throw new Error('a good answer');
  return outcome.message;
}
function relationTo(git: DesiredStateSource, target: string, commit: string) {
  if (git.compare === null) throw new Error('no ancestry');
  return git.compare(target, commit, never);
}
const mirror = () => join(dataDir, 'config-mirror.git');

describe('the target', () => {
  it('is the newest commit of the branch, with the hash of its lock', async () => {
    repository.commit('Start', { 'flake.lock': 'old' });
    const commit = repository.commit('Update inputs\n\nmore', { 'flake.lock': LOCK });
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
    const first = repository.commit('one', { 'flake.lock': LOCK });
    const git = source({ repository: `file://${repository.path}` });
    answerOf(await git.fetch(never));
    const second = repository.commit('two');
    expect(answerOf(await git.fetch(never)).commit).toBe(second);
    repository.git('reset', '--quiet', '--hard', first);
    const forced = repository.commit('two, otherwise');
    expect(answerOf(await git.fetch(never)).commit).toBe(forced);
    // A host may still run what was pushed over.
    expect(await relationTo(git, forced, second.slice(0, 7))).toEqual({ relation: 'diverged', commits: null });
  });

  it('is that of the configured branch', async () => {
    repository.commit('one');
    repository.git('switch', '--quiet', '--create', 'staging/next');
    const commit = repository.commit('two');
    repository.git('switch', '--quiet', 'main');
    const answer = answerOf(await source({ branch: 'staging/next' }).fetch(never));
    expect(answer).toMatchObject({ commit, branch: 'staging/next' });
  });

  it('is read from the folder of the flake', async () => {
    repository.commit('one', { 'flake.lock': 'of the root', 'systems/home/flake.lock': LOCK });
    const answer = answerOf(await source({ flakeDir: 'systems/home' }).fetch(never));
    expect(answer.lockHash).toBe(createHash('sha256').update(LOCK).digest('hex'));
    expect(answerOf(await source({ flakeDir: 'nix' }).fetch(never)).hint).toContain('no nix/flake.lock');
  });

  it('is found in a SHA-256 repository, and in one that changed its object format', async () => {
    const other = createTestRepository(folder.path, 'sha256', 'sha256');
    const one = other.commit('one', { 'flake.lock': LOCK });
    const two = other.commit('two');
    expect(two).toHaveLength(64);
    const git = source({ repository: other.path });
    expect(answerOf(await git.fetch(never))).toMatchObject({ commit: two, lockHash: expect.any(String) as unknown });
    expect(await relationTo(git, two, one.slice(0, 7))).toEqual({ relation: 'behind', commits: 1 });
    const three = other.commit('three');
    expect(answerOf(await git.fetch(never)).commit).toBe(three);

    rmSync(other.path, { recursive: true });
    const same = createTestRepository(folder.path, 'sha256');
    const commit = same.commit('converted');
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
  });

  it('is found in a SHA-256 repository that was empty at first', async () => {
    const other = createTestRepository(folder.path, 'sha256', 'sha256');
    const git = source({ repository: other.path });
    expect(messageOf(await git.fetch(never))).toContain('is empty');
    const commit = other.commit('one');
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
  });

  it('has a hint when there is no flake.lock', async () => {
    repository.commit('one');
    const answer = answerOf(await source().fetch(never));
    expect(answer.lockHash).toBe('');
    expect(answer.hint).toContain('no flake.lock');
  });
});

describe('ancestry', () => {
  it('reports equal, behind, ahead, diverged and unknown', async () => {
    const commits = ['one', 'two', 'three'].map((message) => repository.commit(message));
    const [one = '', two = '', three = ''] = commits;
    repository.git('switch', '--quiet', '--create', 'side', two);
    const side = repository.commit('side');
    repository.git('switch', '--quiet', '--orphan', 'deadbee');
    repository.commit('a branch whose name looks like a commit');
    repository.git('switch', '--quiet', 'main');
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
    const commit = repository.commit('one');
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
  });

  it.each(['master', 'ma in', '../main', '-q', 'main~0', 'main^{commit}'])(
    'a branch that is not there: %s',
    async (branch) => {
      repository.commit('one');
      const message = messageOf(await source({ branch }).fetch(never));
      expect(message).toContain(`has no branch "${branch}"`);
      expect(message).toContain('an existing one (main)');
    },
  );

  it('a missing repository', async () => {
    const message = messageOf(await source({ repository: join(folder.path, 'nothing') }).fetch(never));
    expect(message).toContain('check NIXFLEET_CONFIG_REPO');
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('an address that would run a program', async () => {
    const made = join(folder.path, 'made');
    messageOf(await source({ repository: `ext::sh -c touch% ${made}` }).fetch(never));
    messageOf(await source({ repository: `--upload-pack=touch ${made}` }).fetch(never));
    expect(existsSync(made)).toBe(false);
  });

  it('no git', async () => {
    expect(messageOf(await source({ environment: { ...process.env, PATH: folder.path } }).fetch(never))).toContain(
      'install git',
    );
  });

  it('a missing data folder', async () => {
    expect(messageOf(await source({ dataDir: join(folder.path, 'gone') }).fetch(never))).toContain(
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

describe('the copy', () => {
  it('is recreated for another address', async () => {
    repository.commit('one');
    answerOf(await source().fetch(never));
    const other = createTestRepository(folder.path, 'other');
    const commit = other.commit('elsewhere');
    const git = source({ repository: other.path });
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
    expect(await relationTo(git, commit, repository.git('rev-parse', 'HEAD'))).toEqual({
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
    repository.commit('one', { 'flake.lock': LOCK });
    const git = source();
    answerOf(await git.fetch(never));
    damage();
    const commit = repository.commit('two');
    const answer = answerOf(await git.fetch(never));
    expect(answer.commit).toBe(commit);
    expect(answer.lockHash).toHaveLength(64);
    expect(await relationTo(git, commit, repository.git('rev-parse', 'HEAD~1'))).toEqual({
      relation: 'behind',
      commits: 1,
    });
    expect(readdirSync(dataDir)).toEqual(['config-mirror.git']);
  });

  it.each([
    'refs/mirror/main.lock',
    'refs/mirror/new.lock',
    'packed-refs.lock',
    'shallow.lock',
    'HEAD.lock',
    'config.lock',
  ])('is kept when a killed git process left %s behind, with the commits that were pushed over', async (lock) => {
    repository.commit('one');
    const lost = repository.commit('pushed over');
    const git = source();
    answerOf(await git.fetch(never));
    repository.git('reset', '--quiet', '--hard', 'HEAD~1');
    repository.git('branch', 'gone');
    answerOf(await git.fetch(never));
    writeFileSync(join(mirror(), lock), '');
    repository.git('branch', '--delete', '--force', 'gone');
    repository.git('branch', 'new');
    const commit = repository.commit('two');
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
    expect(await relationTo(git, commit, lost)).toEqual({ relation: 'diverged', commits: null });
  });

  it('keeps the lock of a git process that runs, and names the process', async () => {
    repository.commit('one');
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
      repository.commit('two');
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
    repository.commit('one');
    repository.git('branch', before);
    const git = source({ branch: 'main' });
    answerOf(await git.fetch(never));
    repository.git('branch', '--delete', '--force', before);
    repository.git('switch', '--quiet', '--create', after);
    const commit = repository.commit('two');
    expect(answerOf(await source({ branch: after }).fetch(never)).commit).toBe(commit);
  });

  it('is fetched after its fetch was killed', async () => {
    repository.commit('one', { 'flake.lock': LOCK });
    const backend = gitBackend(folder.path);
    const stop = new AbortController();
    let isStalled = false;
    const server = await serve((request, response) => {
      // The objects come with a POST.
      if (isStalled && request.method === 'POST') stop.abort();
      else backend(request, response);
    });
    const git = source({ repository: `${server.url}/config/.git` });
    answerOf(await git.fetch(never));
    const commit = repository.commit('two', { 'flake.lock': 'new' });
    isStalled = true;
    expect((await git.fetch(stop.signal)).kind).toBe('failed');
    isStalled = false;
    expect(answerOf(await git.fetch(never)).commit).toBe(commit);
    await server.close();
  });

  it('is kept while the repository cannot be reached', async () => {
    const one = repository.commit('one');
    const two = repository.commit('two');
    const git = source();
    answerOf(await git.fetch(never));
    rmSync(repository.path, { recursive: true });
    messageOf(await git.fetch(never));
    expect(await relationTo(git, two, one)).toEqual({ relation: 'behind', commits: 1 });
  });

  it('never replaces a folder that NixFleet did not create', async () => {
    repository.commit('one');
    mkdirSync(mirror());
    writeFileSync(join(mirror(), 'precious'), 'keep');
    expect(messageOf(await source().fetch(never))).toContain('was not created by NixFleet');
    expect(readFileSync(join(mirror(), 'precious'), 'utf8')).toBe('keep');
  });

  it('recovers from a crash in the middle of a copy', async () => {
    const commit = repository.commit('one');
    mkdirSync(`${mirror()}.new`);
    expect(answerOf(await source().fetch(never)).commit).toBe(commit);
  });
});

describe('credentials', () => {
  /** A git server that wants a password, and looks whether any process shows it. */
  async function guarded(password: string) {
    const backend = gitBackend(folder.path);
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
    const commit = repository.commit('one', { 'flake.lock': LOCK });
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
    const commit = repository.commit('one', { 'flake.lock': LOCK });
    const seen: (string | undefined)[] = [];
    const backend = gitBackend(folder.path);
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
    repository.commit('one');
    const { server } = await guarded('right');
    const wrong = 'wr0ng-secret';
    const git = source({ repository: `${server.url.replace('//', `//ada:${wrong}@`)}/config/.git` });
    const message = messageOf(await git.fetch(never));
    expect(message).toContain('give NixFleet a token or key');
    expect(message).not.toMatch(/wr0ng-secret/);
    await server.close();
  });
});
