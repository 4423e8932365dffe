/** Real git processes that hold real locks. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestRepository, temporaryFolder, type TestRepository } from '@/lib/desired/testing/repository';
import { removeLeftoverLocks } from './leftover-locks';
import { gitProcessesOf } from './running-git';

const hasPs = spawnSync('ps', ['-axo', 'pid=']).status === 0;

let folder: ReturnType<typeof temporaryFolder>;
let repository: TestRepository;
let gitDir: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  repository = createTestRepository(folder.path);
  repository.commit('one');
  gitDir = join(repository.path, '.git');
});
afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
  folder.remove();
});

/** A git process that holds the lock of a branch until it is killed. */
async function holdLock(args: readonly string[], cwd: string): Promise<ChildProcess> {
  const child = spawn('git', [...args, 'update-ref', '--stdin'], { cwd, stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  const prepared = new Promise<void>((resolve) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('prepare: ok')) resolve();
    });
  });
  child.stdin.write(`start\ncreate refs/heads/held ${repository.git('rev-parse', 'HEAD')}\nprepare\n`);
  await prepared;
  return child;
}

function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.kill('SIGKILL');
  return gone;
}

const heldLock = () => join(gitDir, 'refs', 'heads', 'held.lock');

describe('a lock of a running git process', () => {
  it.each<[string, (args: { path: string; gitDir: string; parent: string }) => [string[], string]]>([
    ['in the folder', ({ path }) => [[], path]],
    ['below the folder', ({ path }) => [[], join(path, 'sub')]],
    ['that names the git directory', ({ gitDir: dir, parent }) => [[`--git-dir=${dir}`], parent]],
    ['that changes into the folder', ({ path, parent }) => [['-C', path], parent]],
  ])('%s stays, and is removed once the process was killed', async (_where, start) => {
    mkdirSync(join(repository.path, 'sub'));
    const child = await holdLock(...start({ path: repository.path, gitDir, parent: folder.path }));
    expect(existsSync(heldLock())).toBe(true);
    writeFileSync(join(gitDir, 'index.lock'), '');
    const { removed, held } = await removeLeftoverLocks(gitDir, repository.path, 0);
    expect(removed).toEqual([]);
    expect(held?.pid).toBe(child.pid);
    expect(existsSync(heldLock())).toBe(true);

    await killed(child);
    const after = await removeLeftoverLocks(gitDir, repository.path, 0);
    expect(after.held).toBeNull();
    expect(after.removed.sort()).toEqual([join(gitDir, 'index.lock'), heldLock()]);
    repository.git('branch', 'held');
    repository.commit('two');
  });

  it('is waited for: when the process ends, what it left behind is removed', async () => {
    const child = await holdLock([], repository.path);
    const removal = removeLeftoverLocks(gitDir, repository.path, 60_000);
    await killed(child);
    expect(await removal).toEqual({ removed: [heldLock()], held: null });
  });

  it('and of any other program that has it open stays', async () => {
    const lock = join(gitDir, 'index.lock');
    const file = openSync(lock, 'w');
    const child = spawn('sleep', ['600'], { stdio: [file, 'ignore', 'ignore'] });
    closeSync(file);
    children.push(child);
    expect(await removeLeftoverLocks(gitDir, repository.path, 0)).toEqual({
      removed: [],
      held: { path: lock, pid: child.pid },
    });
    await killed(child);
    expect((await removeLeftoverLocks(gitDir, repository.path, 0)).removed).toEqual([lock]);
  });

  it.skipIf(!hasPs)(
    'is found by its program where folders of processes are not known (skipped without ps)',
    async () => {
      const uid = process.getuid?.() ?? 0;
      const child = await holdLock([], repository.path);
      expect(await gitProcessesOf(uid)).toContain(child.pid);
      await killed(child);
      expect(await gitProcessesOf(uid)).not.toContain(child.pid);
    },
  );

  it('does not protect a lock in another folder', async () => {
    const other = createTestRepository(folder.path, 'config-other');
    other.commit('one');
    const child = spawn('git', ['cat-file', '--batch'], { cwd: other.path, stdio: ['pipe', 'pipe', 'ignore'] });
    children.push(child);
    child.stdin.write('HEAD\n');
    await new Promise((resolve) => child.stdout.once('data', resolve));
    writeFileSync(join(gitDir, 'HEAD.lock'), '');
    expect((await removeLeftoverLocks(gitDir, repository.path, 0)).removed).toEqual([join(gitDir, 'HEAD.lock')]);
  });
});

it('finds every kind of lock, and nothing else', async () => {
  const locks = [
    'index.lock',
    'HEAD.lock',
    'config.lock',
    'shallow.lock',
    'packed-refs.lock',
    'refs/heads/main.lock',
    'refs/remotes/origin/feature/x.lock',
    // Named like a folder of objects.
    'refs/remotes/origin/fe/x.lock',
    'refs/mirror/be.lock',
    'objects/info/commit-graph.lock',
    'modules/sub/index.lock',
  ].map((name) => join(gitDir, name));
  for (const path of locks) {
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, '');
  }
  writeFileSync(join(repository.path, 'flake.lock'), 'content');
  expect((await removeLeftoverLocks(gitDir, repository.path, 0)).removed.sort()).toEqual(locks.sort());
  expect(existsSync(join(repository.path, 'flake.lock'))).toBe(true);
  expect(execFileSync('git', ['status', '--porcelain'], { cwd: repository.path, encoding: 'utf8' })).toBe(
    '?? flake.lock\n',
  );
});
