import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRedact, splitRepositoryAddress } from './redact';
import type { RepositoryOptions } from './repository';
import { createShell } from './shell';
import { createHost, type TestHost } from './testing/host';
import { openRepository } from './testing/repository';
import { gitBackend, serve } from '@/lib/desired/testing/repository';

let host: TestHost;
let lines: string[];
let server: Server | null = null;

beforeEach(() => {
  host = createHost();
  lines = [];
});
afterEach(async () => {
  await host.remove();
  if (server !== null) await new Promise((resolve) => server?.close(resolve));
  server = null;
});

const none = (): void => undefined;

const open = (more: Partial<RepositoryOptions> = {}) => openRepository(host, more, (line) => lines.push(line));

describe('the isolated clone', () => {
  it('is readable by its owner only, has one branch, and follows a rewritten branch', async () => {
    const { repository, shell } = open();
    expect(await repository.prepare(shell)).toEqual({ ok: true });
    expect(statSync(host.repoDir).mode & 0o777).toBe(0o700);
    expect(statSync(host.stateDir).mode & 0o777).toBe(0o700);
    const first = await repository.head();
    expect(first).toBe(host.git(['rev-parse', 'HEAD']));
    host.git(['commit', '-q', '--amend', '--no-edit', '-m', 'rewritten', '--date', '2020-01-01T00:00:00Z']);
    host.git(['push', '-q', '-f', 'origin', 'HEAD:main']);
    expect(await repository.pull(shell, none)).toEqual({ ok: true });
    expect(await repository.head()).toBe(host.git(['rev-parse', 'HEAD']));
    expect(await repository.head()).not.toBe(first);
    // Packed references are read as well.
    host.git(['pack-refs', '--all'], host.repoDir);
    expect(await open().repository.head()).toBe(host.git(['rev-parse', 'HEAD']));
    expect(await repository.lockCommittedAt()).toMatch(/^\d{4}-/);
  });

  it('follows another branch or address when the configuration says so', async () => {
    await open().repository.prepare(open().shell);
    host.git(['checkout', '-q', '-b', 'stable']);
    host.git(['commit', '-q', '--allow-empty', '-m', 'on stable']);
    host.git(['push', '-q', 'origin', 'stable']);
    host.git(['clone', '-q', '--bare', host.remote, host.path('moved.git')], host.root);
    const { repository, shell } = open({ branch: 'stable', url: host.path('moved.git') });
    expect(await repository.pull(shell, none)).toEqual({ ok: true });
    expect(await repository.head()).toBe(host.git(['rev-parse', 'stable']));
    expect(host.git(['remote', 'get-url', 'origin'], host.repoDir)).toBe(host.path('moved.git'));
  });

  it('clones again when its clone is broken', async () => {
    const { repository, shell } = open();
    await repository.prepare(shell);
    writeFileSync(join(host.repoDir, '.git', 'HEAD'), 'broken');
    expect(await repository.pull(shell, none)).toEqual({ ok: true });
    expect(await repository.head()).toBe(host.git(['rev-parse', 'HEAD']));
  });

  it('never deletes a folder that it did not create, and says what to do', async () => {
    const dir = host.path('mine');
    mkdirSync(dir);
    writeFileSync(join(dir, 'precious'), 'work');
    const { repository, shell } = open({ dir });
    for (const outcome of [await repository.prepare(shell), await repository.pull(shell, none)]) {
      expect(outcome).toMatchObject({ ok: false });
      expect(outcome.ok ? '' : outcome.message).toContain('move it away, or set NIXFLEET_REPO_DIR');
    }
    expect(readFileSync(join(dir, 'precious'), 'utf8')).toBe('work');
  });

  it('never resets a repository that encloses its folder', async () => {
    const dir = join(host.work, 'sub');
    mkdirSync(dir);
    writeFileSync(join(dir, 'precious'), 'work');
    writeFileSync(join(host.work, 'flake.nix'), 'changed');
    const { repository, shell } = open({ dir });
    expect(await repository.pull(shell, none)).toMatchObject({ ok: false });
    expect(readFileSync(join(host.work, 'flake.nix'), 'utf8')).toBe('changed');
    expect(existsSync(join(dir, 'precious'))).toBe(true);
  });

  it.each([
    ['changes', () => writeFileSync(join(host.work, 'untracked'), 'work'), 'uncommitted'],
    ['commits', () => host.git(['commit', '-q', '--allow-empty', '-m', 'mine']), 'unpushed'],
    [
      'another origin',
      () => host.git(['remote', 'set-url', 'origin', '/elsewhere']),
      'origin is not NIXFLEET_REPO_URL',
    ],
    [
      'a stash',
      () => {
        writeFileSync(join(host.work, 'flake.nix'), 'changed');
        host.git(['stash', '-q']);
      },
      'stash',
    ],
  ])('does not touch a foreign checkout with %s', async (_what, prepare, reason) => {
    host.git(['fetch', '-q']);
    prepare();
    const before = host.git(['status', '--porcelain', '--branch']);
    const { repository, shell } = open({ dir: host.work });
    const outcome = await repository.pull(shell, none);
    expect(outcome.ok ? '' : outcome.message).toContain(reason);
    expect(host.git(['status', '--porcelain', '--branch'])).toBe(before);
  });

  it('adopts a clean clone of the same repository from an earlier agent', async () => {
    const dir = host.path('earlier');
    host.git(['clone', '-q', host.remote, dir], host.root);
    const commit = host.commit({ x: 'y' });
    const { repository, shell } = open({ dir });
    expect(await repository.pull(shell, none)).toEqual({ ok: true });
    expect(await repository.head()).toBe(commit);
  });
});

describe('credentials', () => {
  it('reach the server but not output, messages, arguments or the folder', async () => {
    const received: (string | undefined)[] = [];
    server = createServer((request, response) => {
      received.push(request.headers.authorization);
      response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const url = `http://user:pass%2Fword-123@127.0.0.1:${port}/x.git`;
    const { repository, shell } = open({ url });
    const outcome = await repository.prepare(shell);
    expect(outcome.ok).toBe(false);
    expect(received[0]).toBe(`Basic ${Buffer.from('user:pass/word-123').toString('base64')}`);
    expect(repository.url).toBe(`http://127.0.0.1:${port}/x.git`);
    const everything = JSON.stringify([outcome, lines]);
    expect(everything).toContain('x.git');
    expect(everything).not.toMatch(/pass|word-123/);
  });

  it('never reach another server, and the repository is found at its new name on the same one', async () => {
    const seen: (string | undefined)[] = [];
    const backend = gitBackend(host.root);
    const second = await serve((request, response) => {
      seen.push(request.headers.authorization);
      backend(request, response);
    });
    let base = second.url;
    const wanted = `Basic ${Buffer.from('operator:s3cret-word').toString('base64')}`;
    const first = await serve((request, response) => {
      const path = request.url ?? '';
      if (request.headers.authorization !== wanted)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      else if (path.startsWith('/old.git'))
        response.writeHead(301, { location: `${base}${path.replace('/old.git', '/remote.git')}` }).end();
      else backend(request, response);
    });
    const url = `${first.url.replace('//', '//operator:s3cret-word@')}/old.git`;
    const { repository, shell } = open({ url });
    const outcome = await repository.prepare(shell);
    expect(outcome.ok ? '' : outcome.message).toContain(
      `redirects to ${second.url}/remote.git, and the agent sends its credentials to no other server`,
    );
    // The same for a clone that exists.
    base = '';
    expect(await repository.pull(shell, none)).toEqual({ ok: true });
    const commit = host.commit({ x: 'y' });
    expect(await repository.pull(shell, none)).toEqual({ ok: true });
    expect(await repository.head()).toBe(commit);
    base = second.url;
    const later = open({ url });
    expect(await later.repository.pull(later.shell, none)).toMatchObject({ ok: false });
    expect(seen).toEqual([]);
    expect(JSON.stringify([outcome, lines])).not.toContain('s3cret-word');
    await first.close();
    await second.close();
  });

  it('are removed from any text', () => {
    const { secrets } = splitRepositoryAddress('https://ghp_tokentoken@github.com/a/b');
    const redact = createRedact(['agent-token-1', ...secrets]);
    expect(redact('x agent-token-1 y ghp_tokentoken')).toBe('x *** y ***');
    expect(redact('fatal: https://other:pw@host/x and ssh://git@host/x')).toBe(
      'fatal: https://***@host/x and ssh://git@host/x',
    );
    expect(splitRepositoryAddress('git@host:a/b')).toEqual({ url: 'git@host:a/b', authorization: null, secrets: [] });
  });

  it('are not printed, and the repository is not another one, because of variables in the agent’s environment', async () => {
    const trace = host.path('trace');
    const { repository, shell } = open({
      env: {
        ...process.env,
        HOME: host.root,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TRACE: trace,
        GIT_TRACE_CURL: trace,
        GIT_DIR: host.root,
      },
    });
    expect(await repository.prepare(shell)).toEqual({ ok: true });
    expect(existsSync(trace)).toBe(false);
  });

  it('SSH stores server keys in the state folder and refuses changed ones', async () => {
    host.program('ssh', `printf '%s\\n' "$@" > ${host.path('ssh-arguments')}; exit 1`);
    const env = { ...process.env, HOME: host.root, PATH: `${host.bin}:${process.env['PATH'] ?? ''}` };
    const shell = createShell({ cwd: () => '/', env, say: () => undefined });
    const { repository } = open({ url: 'git@git.example.com:a/b.git', sshKey: "/keys/it's here", env });
    expect(await repository.prepare(shell)).toMatchObject({ ok: false });
    const given = readFileSync(host.path('ssh-arguments'), 'utf8').split('\n');
    expect(given).toEqual(
      expect.arrayContaining([
        'StrictHostKeyChecking=accept-new',
        `UserKnownHostsFile="${join(host.stateDir, 'known_hosts')}"`,
        "/keys/it's here",
        'IdentitiesOnly=yes',
      ]),
    );
  });
});

describe('submodules', () => {
  it('are fetched and kept at their commits on request, with credentials for the server of the repository only', async () => {
    const seen: string[] = [];
    const backend = gitBackend(host.root);
    const web = await serve((request, response) => {
      seen.push(
        `${request.headers.authorization === undefined ? 'without' : 'with'} ${request.url?.split('/')[1] ?? ''}`,
      );
      backend(request, response);
    });
    const elsewhere = await serve((request, response) => {
      seen.push(`${request.headers.authorization === undefined ? 'without' : 'with'} elsewhere`);
      backend(request, response);
    });
    const sub = host.path('sub');
    host.git(['init', '-q', '-b', 'main', sub], host.root);
    writeFileSync(join(sub, 'module.nix'), 'one');
    host.git(['add', '-A'], sub);
    host.git(['commit', '-q', '-m', 'one'], sub);
    host.git(['clone', '-q', '--bare', sub, host.path('sub.git')], host.root);
    for (const name of ['same', 'other'])
      host.git(['-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', '../sub.git', name]);
    host.git(['config', '--file', '.gitmodules', 'submodule.other.url', `${elsewhere.url}/sub.git`]);
    host.commit({});
    seen.length = 0;

    const url = `${web.url.replace('//', '//operator:s3cret-word@')}/remote.git`;
    const without = open({ url });
    expect(await without.repository.pull(without.shell, none)).toEqual({ ok: true });
    expect(lines.join('\n')).toContain('set NIXFLEET_SUBMODULES=true');
    expect(existsSync(join(host.repoDir, 'same', 'module.nix'))).toBe(false);

    const { repository, shell } = open({ url, submodules: true });
    expect(await repository.pull(shell, none)).toEqual({ ok: true });
    for (const name of ['same', 'other'])
      expect(readFileSync(join(host.repoDir, name, 'module.nix'), 'utf8')).toBe('one');
    writeFileSync(join(host.repoDir, 'same', 'module.nix'), 'changed');
    expect(await repository.pull(shell, none)).toEqual({ ok: true });
    expect(readFileSync(join(host.repoDir, 'same', 'module.nix'), 'utf8')).toBe('one');
    expect(seen).toContain('with sub.git');
    expect(seen).toContain('without elsewhere');
    expect(seen).not.toContain('with elsewhere');
    await web.close();
    await elsewhere.close();
  });
});

it('names the files that Nix does not read as people expect: Git LFS and git-crypt', async () => {
  host.commit({
    '.gitattributes': '*.iso filter=lfs diff=lfs merge=lfs -text\nsecrets/** filter=git-crypt diff=git-crypt\n',
    'big.iso': 'version https://git-lfs.github.com/spec/v1\n',
    'secrets/a': 'a',
    'secrets/b': 'b',
  });
  const { repository, shell } = open();
  expect(await repository.pull(shell, none)).toEqual({ ok: true });
  expect(lines.join('\n')).toContain('big.iso is in Git LFS: Nix may read the pointer');
  expect(lines.join('\n')).toContain('2 files (the first: secrets/a) are encrypted by git-crypt');
});

it('clones a SHA-256 repository', async () => {
  const remote = host.path('sha256.git');
  host.git(['init', '-q', '--bare', '-b', 'main', '--object-format=sha256', remote], host.root);
  host.git(['init', '-q', '-b', 'main', '--object-format=sha256', host.path('sha256')], host.root);
  host.git(['commit', '-q', '--allow-empty', '-m', 'one'], host.path('sha256'));
  host.git(['push', '-q', remote, 'HEAD:main'], host.path('sha256'));
  const { repository, shell } = open({ url: remote });
  expect(await repository.pull(shell, none)).toEqual({ ok: true });
  expect(await repository.head()).toMatch(/^[0-9a-f]{64}$/);
});

describe('legacy mode', () => {
  it('only fast-forwards a checkout that the operator maintains', async () => {
    const dir = host.path('checkout');
    host.git(['clone', '-q', host.remote, dir], host.root);
    const commit = host.commit({ x: 'y' });
    const { repository, shell } = open({ url: '', dir });
    expect(await repository.prepare(shell)).toEqual({ ok: true });
    expect(await repository.pull(shell, none)).toEqual({ ok: true });
    expect(await repository.head()).toBe(commit);
    host.git(['commit', '-q', '--allow-empty', '-m', 'own work'], dir);
    const own = host.git(['rev-parse', 'HEAD'], dir);
    host.commit({ x: 'z' });
    expect(await repository.pull(shell, none)).toMatchObject({ ok: false });
    expect(host.git(['rev-parse', 'HEAD'], dir)).toBe(own);
  });
});
