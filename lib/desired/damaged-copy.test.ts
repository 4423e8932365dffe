/** Damage of the dashboard's copy that git reports in words of many kinds: the next fetch creates it anew. */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createGitSource } from './git-source';
import { createTestRepository, temporaryFolder, type TestRepository } from './testing/repository';

const never = new AbortController().signal;

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

const source = () => createGitSource({ repository: repository.path, branch: 'main', flakeDir: '', dataDir });
const mirror = (...parts: string[]) => join(dataDir, 'config-mirror.git', ...parts);

function folderAt(name: string): void {
  rmSync(mirror(name), { recursive: true, force: true });
  mkdirSync(mirror(name, 'part'), { recursive: true });
}

const DAMAGE: [string, () => void][] = [
  [
    'its packed references are zeros',
    () => {
      repository.git(`--git-dir=${mirror()}`, 'pack-refs', '--all');
      writeFileSync(mirror('packed-refs'), Buffer.alloc(statSync(mirror('packed-refs')).size));
    },
  ],
  ['its packed references are a folder', () => folderAt('packed-refs')],
  ['its list of shallow commits is rubbish', () => writeFileSync(mirror('shallow'), 'rubbish\n')],
  [
    'its format is of the future',
    () => void repository.git('config', '--file', mirror('config'), 'core.repositoryFormatVersion', '99'),
  ],
  ['the lock of a reference is a folder', () => folderAt('refs/mirror/main.lock')],
];

it.each(DAMAGE)('is created anew when %s', async (_what, damage) => {
  repository.commit('one');
  const git = source();
  expect(await git.fetch(never)).toMatchObject({ kind: 'ok' });
  damage();
  const commit = repository.commit('two');
  expect(await git.fetch(never)).toMatchObject({ kind: 'ok', answer: { commit } });
  expect(await git.compare?.(commit, repository.git('rev-parse', 'HEAD~1'), never)).toEqual({
    relation: 'behind',
    commits: 1,
  });
  expect(readdirSync(dataDir)).toEqual(['config-mirror.git']);
});

it('is kept while the repository does not answer, whatever is wrong with it', async () => {
  repository.commit('one');
  const git = source();
  expect(await git.fetch(never)).toMatchObject({ kind: 'ok' });
  writeFileSync(mirror('shallow'), 'rubbish\n');
  const before = statSync(mirror()).ino;
  rmSync(repository.path, { recursive: true });
  expect(await git.fetch(never)).toMatchObject({ kind: 'failed' });
  expect(statSync(mirror()).ino).toBe(before);
});
