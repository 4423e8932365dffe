import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRedact, splitRepositoryAddress } from './redact';
import { createRepository, type RepositoryOptions } from './repository';
import { createShell } from './shell';
import { createHost, type TestHost } from './testing/host';

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

function open(more: Partial<RepositoryOptions> = {}) {
  const shell = createShell({
    cwd: () => '/',
    env: { ...process.env, HOME: host.root, GIT_CONFIG_NOSYSTEM: '1' },
    say: (line) => lines.push(line),
  });
  const repository = createRepository({
    url: host.remote,
    dir: host.repoDir,
    branch: 'main',
    sshKey: '',
    stateDir: host.stateDir,
    quietShell: shell,
    ...more,
  });
  return { repository, shell };
}

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

  it('are removed from any text', () => {
    const { secrets } = splitRepositoryAddress('https://ghp_tokentoken@github.com/a/b');
    const redact = createRedact(['agent-token-1', ...secrets]);
    expect(redact('x agent-token-1 y ghp_tokentoken')).toBe('x *** y ***');
    expect(redact('fatal: https://other:pw@host/x and ssh://git@host/x')).toBe(
      'fatal: https://***@host/x and ssh://git@host/x',
    );
    expect(splitRepositoryAddress('git@host:a/b')).toEqual({ url: 'git@host:a/b', authorization: null, secrets: [] });
  });

  it('SSH stores server keys in the state folder and refuses changed ones', async () => {
    host.program('ssh', `printf '%s\\n' "$@" > ${host.path('ssh-arguments')}; exit 1`);
    const quietShell = createShell({
      cwd: () => '/',
      env: { ...process.env, HOME: host.root, PATH: `${host.bin}:${process.env['PATH'] ?? ''}` },
      say: () => undefined,
    });
    const { repository } = open({ url: 'git@git.example.com:a/b.git', sshKey: "/keys/it's here", quietShell });
    expect(await repository.prepare(quietShell)).toMatchObject({ ok: false });
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
