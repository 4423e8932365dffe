/** Damage of a clone that git reports in words of many kinds: the next pull replaces the clone, or keeps it where the reason is elsewhere. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RepositoryOptions } from './repository';
import { createHost, type TestHost } from './testing/host';
import { openRepository } from './testing/repository';

let host: TestHost;
let lines: string[];

beforeEach(() => {
  host = createHost();
  lines = [];
});
afterEach(() => host.remove());

const none = (): void => undefined;
const inGit = (...parts: string[]): string => join(host.repoDir, '.git', ...parts);
const inWork = (...parts: string[]): string => join(host.repoDir, ...parts);
const aside = (number: number): string => `${host.repoDir}.nixfleet-damaged-${number}`;

function open(more: Partial<RepositoryOptions> = {}) {
  const { repository, shell } = openRepository(host, more, (line) => lines.push(line));
  return { repository, shell, pull: () => repository.pull(shell, none) };
}

/** As git makes it, or nothing. */
function folderAt(...parts: string[]): void {
  const path = inGit(...parts);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(join(path, 'part'), { recursive: true });
  writeFileSync(join(path, 'part', 'x'), 'rubbish');
}

function edited(flag: string): void {
  host.git(['update-index', flag, 'flake.lock'], host.repoDir);
  writeFileSync(inWork('flake.lock'), 'edited on the host');
}

const DAMAGE: [string, () => void][] = [
  [
    'its packed references are zeros',
    () => {
      host.git(['pack-refs', '--all'], host.repoDir);
      writeFileSync(inGit('packed-refs'), Buffer.alloc(statSync(inGit('packed-refs')).size));
    },
  ],
  ['its list of shallow commits is rubbish', () => writeFileSync(inGit('shallow'), 'rubbish\n')],
  ['it calls itself bare', () => host.git(['config', 'core.bare', 'true'], host.repoDir)],
  ['its format is of the future', () => host.git(['config', 'core.repositoryFormatVersion', '99'], host.repoDir)],
  ['git was asked to skip an edited file', () => edited('--skip-worktree')],
  ['git was asked to call an edited file unchanged', () => edited('--assume-unchanged')],
  ...['FETCH_HEAD', 'index', 'packed-refs', 'index.lock', 'logs/HEAD', 'logs/refs/remotes/origin/main'].map(
    (name): [string, () => void] => [`its ${name} is a folder`, () => folderAt(...name.split('/'))],
  ),
  [
    'its logs are a file',
    () => {
      rmSync(inGit('logs'), { recursive: true });
      writeFileSync(inGit('logs'), '');
    },
  ],
];

it.each(DAMAGE)('the next pull succeeds when %s', async (_what, damage) => {
  host.commit({ 'flake.lock': 'old' });
  const first = open();
  expect(await first.repository.prepare(first.shell)).toEqual({ ok: true });
  damage();
  const commit = host.commit({ x: 'y', 'flake.lock': 'new' });
  const { repository, pull } = open();
  expect(await pull()).toEqual({ ok: true });
  expect(await repository.head()).toBe(commit);
  expect(readFileSync(inWork('flake.lock'), 'utf8')).toBe('new');
  host.commit({ x: 'z' });
  expect(await pull()).toEqual({ ok: true });
});

describe('the clone is kept', () => {
  async function damaged(): Promise<number> {
    const first = open();
    await first.repository.prepare(first.shell);
    writeFileSync(inGit('shallow'), 'rubbish\n');
    host.commit({ x: 'y' });
    return statSync(host.repoDir).ino;
  }

  it('where the server does not answer', async () => {
    const before = await damaged();
    const { pull } = open({ url: host.path('nowhere.git') });
    expect(await pull()).toMatchObject({ ok: false });
    expect(statSync(host.repoDir).ino).toBe(before);
    expect(existsSync(aside(1))).toBe(false);
  });

  it('where the branch does not exist', async () => {
    const first = open();
    await first.repository.prepare(first.shell);
    const before = statSync(host.repoDir).ino;
    expect(await open({ branch: 'nothing' }).pull()).toMatchObject({ ok: false });
    expect(statSync(host.repoDir).ino).toBe(before);
  });

  it('where only a submodule can’t be fetched', async () => {
    const first = open();
    await first.repository.prepare(first.shell);
    const before = statSync(host.repoDir).ino;
    host.commit({ '.gitmodules': '[submodule "part"]\n\tpath = part\n\turl = /nowhere/part.git\n' });
    const blob = host.git(['rev-parse', 'HEAD']);
    host.git(['update-index', '--add', '--cacheinfo', `160000,${blob},part`]);
    host.git(['commit', '-q', '-m', 'A submodule']);
    host.git(['push', '-q', 'origin', 'HEAD:main']);
    expect(await open({ submodules: true }).pull()).toMatchObject({ ok: false });
    expect(statSync(host.repoDir).ino).toBe(before);
  });
});

it.each(['--skip-worktree', '--assume-unchanged'])('keeps what %s hides beside the new clone', async (flag) => {
  host.commit({ 'flake.lock': 'old' });
  const first = open();
  await first.repository.prepare(first.shell);
  edited(flag);
  host.commit({ 'flake.lock': 'new' });
  expect(await open().pull()).toEqual({ ok: true });
  expect(readFileSync(join(aside(1), 'flake.lock'), 'utf8')).toBe('edited on the host');
  expect(lines.join('\n')).toContain(`The old clone is in ${aside(1)}`);
});

it('leaves a folder that it did not create where such a file is edited', async () => {
  const dir = host.path('theirs');
  host.commit({ 'flake.lock': 'old' });
  host.git(['clone', '-q', host.remote, dir], dirname(dir));
  host.git(['update-index', '--skip-worktree', 'flake.lock'], dir);
  writeFileSync(join(dir, 'flake.lock'), 'edited on the host');
  const outcome = await open({ dir }).pull();
  expect(outcome.ok ? '' : outcome.message).toContain('it has uncommitted changes');
  expect(readFileSync(join(dir, 'flake.lock'), 'utf8')).toBe('edited on the host');
});

it.each([
  [
    'a commit that a tag alone holds',
    () => {
      writeFileSync(inWork('work'), 'not pushed');
      host.git(['add', 'work'], host.repoDir);
      host.git(['-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '-q', '-m', 'Work'], host.repoDir);
      host.git(['tag', 'work'], host.repoDir);
      host.git(['reset', '-q', '--hard', 'origin/main'], host.repoDir);
    },
  ],
  [
    'another working tree',
    () => host.git(['worktree', 'add', '-q', '--detach', join(host.root, 'other-tree')], host.repoDir),
  ],
])('keeps %s beside the new clone', async (_what, work) => {
  host.commit({ 'flake.lock': 'old' });
  const { pull } = open();
  expect(await pull()).toEqual({ ok: true });
  work();
  // Git can still read it, and a fetch fails.
  folderAt('FETCH_HEAD');
  host.commit({ x: 'y' });
  expect(await pull()).toEqual({ ok: true });
  expect(existsSync(aside(1))).toBe(true);
});
