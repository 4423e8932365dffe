/** Each fault of a clone, made for real; the next pull repairs it automatically, or says exactly what to do. */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RepositoryOptions } from './repository';
import { createHost, fileAppears, type TestHost } from './testing/host';
import { openRepository } from './testing/repository';
import { gitBackend, serve } from '@/lib/desired/testing/repository';

const isRoot = process.getuid?.() === 0;
/** A user without files, on every system. */
const NOBODY = 65_534;

let host: TestHost;
let lines: string[];
const children: ChildProcess[] = [];

beforeEach(() => {
  host = createHost();
  lines = [];
});
afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
  await host.remove();
});

const none = (): void => undefined;
const inGit = (...parts: string[]): string => join(host.repoDir, '.git', ...parts);
const damaged = (number: number): string => `${host.repoDir}.nixfleet-damaged-${number}`;

function open(more: Partial<RepositoryOptions> = {}) {
  const { repository, shell } = openRepository(host, more, (line) => lines.push(line));
  return { repository, shell, pull: () => repository.pull(shell, none) };
}

async function messageOf(outcome: Promise<{ ok: true } | { ok: false; message: string }>): Promise<string> {
  const result = await outcome;
  return result.ok ? '' : result.message;
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** The loose objects of the clone. */
function objects(): string[] {
  return readdirSync(inGit('objects'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /^[0-9a-f]{2}\/[0-9a-f]+$/.test(name))
    .map((name) => inGit('objects', name));
}

/** Objects are read-only files. */
function rewrite(path: string, content: string): void {
  rmSync(path, { force: true });
  writeFileSync(path, content);
}

function pack(): string {
  host.git(['repack', '-q', '-a', '-d'], host.repoDir);
  const name = readdirSync(inGit('objects', 'pack')).find((file) => file.endsWith('.pack')) ?? '';
  return inGit('objects', 'pack', name);
}

describe('the next pull succeeds when', () => {
  it.each<[string, () => void]>([
    ...[
      'index.lock',
      'HEAD.lock',
      'ORIG_HEAD.lock',
      'config.lock',
      'shallow.lock',
      'packed-refs.lock',
      'refs/heads/main.lock',
      'refs/remotes/origin/main.lock',
    ].map((name): [string, () => void] => [
      `a killed git process left ${name} behind`,
      () => writeFileSync(inGit(name), ''),
    ]),
    [
      'its gc was interrupted',
      () => {
        writeFileSync(inGit('gc.pid'), '999999999 elsewhere');
        writeFileSync(inGit('packed-refs.lock'), '');
        writeFileSync(inGit('objects', 'pack', 'tmp_pack_x1y2z3'), 'half a pack');
      },
    ],
    ['its objects are empty', () => objects().forEach((path) => rewrite(path, ''))],
    ['its objects are rubbish', () => objects().forEach((path) => rewrite(path, 'rubbish'))],
    ['its objects are gone', () => rmSync(inGit('objects'), { recursive: true })],
    [
      'its pack is cut off',
      () => {
        const path = pack();
        const content = readFileSync(path);
        rewrite(path, '');
        writeFileSync(path, content.subarray(0, 40));
      },
    ],
    ['its index is rubbish', () => writeFileSync(inGit('index'), 'rubbish that is longer than a header of an index')],
    ['its index is empty', () => truncateSync(inGit('index'))],
    ['its index is gone', () => rmSync(inGit('index'))],
    ['its HEAD is gone', () => rmSync(inGit('HEAD'))],
    ['its HEAD is empty', () => truncateSync(inGit('HEAD'))],
    ['its HEAD names nothing', () => writeFileSync(inGit('HEAD'), 'ref: refs/heads/nothing\n')],
    ['its configuration is gone', () => rmSync(inGit('config'))],
    ['its configuration is rubbish', () => writeFileSync(inGit('config'), '[core')],
    ['its branch is rubbish', () => writeFileSync(inGit('refs', 'heads', 'main'), 'rubbish')],
    ['the reference to origin is rubbish', () => writeFileSync(inGit('refs', 'remotes', 'origin', 'main'), 'rubbish')],
    ['the reference to origin is empty', () => writeFileSync(inGit('refs', 'remotes', 'origin', 'main'), '')],
    [
      'the reference to origin became a folder',
      () => {
        rmSync(inGit('refs', 'remotes', 'origin', 'main'), { force: true });
        rmSync(inGit('packed-refs'), { force: true });
        mkdirSync(inGit('refs', 'remotes', 'origin', 'main', 'part'), { recursive: true });
        writeFileSync(inGit('refs', 'remotes', 'origin', 'main', 'part', 'x'), 'rubbish');
      },
    ],
    ['its packed references are rubbish', () => writeFileSync(inGit('packed-refs'), 'rubbish\n')],
    ['its .git is gone', () => rmSync(inGit(), { recursive: true })],
  ])('%s', async (_what, damage) => {
    const first = open();
    expect(await first.repository.prepare(first.shell)).toEqual({ ok: true });
    damage();
    const commit = host.commit({ x: 'y', 'flake.lock': 'new' });
    const { repository, pull } = open();
    expect(await pull()).toEqual({ ok: true });
    expect(await repository.head()).toBe(commit);
    expect(host.git(['status', '--porcelain'], host.repoDir)).toBe('');
    expect(readFileSync(join(host.repoDir, 'flake.lock'), 'utf8')).toBe('new');
    host.commit({ x: 'z' });
    expect(await pull()).toEqual({ ok: true });
  });

  it.each([
    ['a folder', 'release', 'release/25.11'],
    ['a branch', 'release/25.11', 'release'],
  ])('the branch became %s', async (_what, before, after) => {
    host.git(['push', '-q', 'origin', `HEAD:${before}`]);
    const first = open({ branch: before });
    await first.repository.prepare(first.shell);
    host.git(['push', '-q', 'origin', `:${before}`]);
    host.git(['push', '-q', 'origin', `HEAD:${after}`]);
    const { repository, pull } = open({ branch: after });
    expect(await pull()).toEqual({ ok: true });
    expect(await repository.head()).toBe(host.git(['rev-parse', 'HEAD']));
  });

  it('its gc was killed', async () => {
    const first = open();
    await first.repository.prepare(first.shell);
    const child = spawn('git', ['gc', '--quiet', '--prune=now'], { cwd: host.repoDir, stdio: 'ignore' });
    children.push(child);
    const ended = new Promise((resolve) => child.once('close', resolve));
    await Promise.race([fileAppears(inGit('gc.pid')), ended]);
    await killed(child);
    const commit = host.commit({ x: 'y' });
    const { repository, pull } = open();
    expect(await pull()).toEqual({ ok: true });
    expect(await repository.head()).toBe(commit);
  });

  it('its first clone was killed', async () => {
    const backend = gitBackend(host.root);
    let stalled: () => void = none;
    let isStalled = true;
    const reached = new Promise<void>((resolve) => (stalled = resolve));
    const server = await serve((request, response) => {
      // The objects come with a POST.
      if (isStalled && request.method === 'POST') stalled();
      else backend(request, response);
    });
    const url = `${server.url}/remote.git`;
    mkdirSync(host.repoDir, { recursive: true });
    children.push(
      spawn('git', ['clone', '-q', '--branch', 'main', '--single-branch', '--', url, host.repoDir], {
        stdio: 'ignore',
      }),
    );
    await reached;
    for (const child of children) await killed(child);
    expect(existsSync(inGit())).toBe(true);
    isStalled = false;
    const { repository, pull } = open({ url });
    expect(await pull()).toEqual({ ok: true });
    expect(await repository.head()).toBe(host.git(['rev-parse', 'HEAD']));
    await server.close();
  });

  it('the repository has another object format than before', async () => {
    const first = open();
    await first.repository.prepare(first.shell);
    rmSync(host.remote, { recursive: true });
    rmSync(join(host.work, '.git'), { recursive: true });
    host.git(['init', '-q', '--bare', '-b', 'main', '--object-format=sha256', host.remote], host.root);
    host.git(['init', '-q', '-b', 'main', '--object-format=sha256', host.work], host.root);
    host.git(['remote', 'add', 'origin', host.remote]);
    const commit = host.commit({ x: 'y' });
    const { repository, pull } = open();
    expect(await pull()).toEqual({ ok: true });
    expect(await repository.head()).toBe(commit);
    expect(commit).toHaveLength(64);
    // Git could tell that the old clone held nothing else.
    expect(existsSync(damaged(1))).toBe(false);
  });
});

describe('what the agent did not make', () => {
  it('is kept when a damaged clone is replaced: the old one lies beside the new one', async () => {
    const first = open();
    await first.repository.prepare(first.shell);
    writeFileSync(join(host.repoDir, 'work'), 'unpushed');
    writeFileSync(inGit('HEAD'), 'broken');
    const { pull } = open();
    expect(await pull()).toEqual({ ok: true });
    expect(readFileSync(join(damaged(1), 'work'), 'utf8')).toBe('unpushed');
    expect(existsSync(join(host.repoDir, 'work'))).toBe(false);
    expect(statSync(host.repoDir).mode & 0o777).toBe(0o700);
    expect(lines.join('\n')).toContain(`The old clone is in ${damaged(1)}`);
    expect(readdirSync(host.stateDir).sort()).toEqual(['repo', 'repo.nixfleet-damaged-1', 'repository.json']);
  });

  it('stays in place while the new clone fails', async () => {
    const first = open();
    await first.repository.prepare(first.shell);
    writeFileSync(join(host.repoDir, 'work'), 'unpushed');
    writeFileSync(inGit('HEAD'), 'broken');
    expect(await messageOf(open({ url: host.path('nowhere.git') }).pull())).toContain('git clone failed');
    expect(readFileSync(join(host.repoDir, 'work'), 'utf8')).toBe('unpushed');
    expect(existsSync(`${host.repoDir}.nixfleet-new`)).toBe(false);
  });

  it('is never deleted to make room: after three damaged clones a message asks to look at them', async () => {
    const { repository, shell, pull } = open();
    await repository.prepare(shell);
    for (const number of [1, 2, 3]) {
      writeFileSync(inGit('HEAD'), 'broken');
      expect(await pull()).toEqual({ ok: true });
      expect(existsSync(damaged(number))).toBe(true);
    }
    writeFileSync(inGit('HEAD'), 'broken');
    const message = await messageOf(pull());
    expect(message).toContain(`${damaged(1)}, ${damaged(2)}, ${damaged(3)} are earlier ones`);
    rmSync(damaged(2), { recursive: true });
    expect(await pull()).toEqual({ ok: true });
  });

  it('is left alone in a checkout that the operator maintains', async () => {
    const dir = host.path('checkout');
    host.git(['clone', '-q', host.remote, dir], host.root);
    host.commit({ x: 'y' });
    writeFileSync(join(dir, '.git', 'index.lock'), '');
    const message = await messageOf(open({ url: '', dir }).pull());
    expect(message).toContain(`if no git command runs in ${dir}, delete that lock file`);
    expect(existsSync(join(dir, '.git', 'index.lock'))).toBe(true);
  });
});

it('the lock of a git process that runs is never removed, and the message names the process', async () => {
  const { repository, shell, pull } = open();
  await repository.prepare(shell);
  const child = spawn('git', ['cat-file', '--batch'], { cwd: host.repoDir, stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  child.stdin.write('HEAD\n');
  await new Promise((resolve) => child.stdout.once('data', resolve));
  writeFileSync(inGit('index.lock'), '');
  host.commit({ x: 'y' });
  expect(await messageOf(pull())).toContain(`the process ${child.pid} may hold that lock`);
  expect(existsSync(inGit('index.lock'))).toBe(true);
  await killed(child);
  expect(await pull()).toEqual({ ok: true });
});

describe.skipIf(!isRoot)('files of another user (skipped unless root)', () => {
  it('that git refuses are named, with the command that repairs them', async () => {
    const { repository, shell, pull } = open();
    await repository.prepare(shell);
    for (const name of readdirSync(host.repoDir, { recursive: true, encoding: 'utf8' }))
      lchownSync(join(host.repoDir, name), NOBODY, NOBODY);
    chownSync(host.repoDir, NOBODY, NOBODY);
    for (const outcome of [await messageOf(repository.prepare(shell)), await messageOf(pull())]) {
      expect(outcome).toContain(`${host.repoDir} belongs to the user ${NOBODY}`);
      expect(outcome).toContain(`chown -R root ${host.repoDir}`);
    }
  });
});
