/** Damage of the dashboard's copy that git reports in words of many kinds: the next fetch creates it anew. */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { never, useSourceBench } from './testing/source-bench';

const bench = useSourceBench();
const mirror = (...parts: string[]) => join(bench.mirror(), ...parts);

function folderAt(name: string): void {
  rmSync(mirror(name), { recursive: true, force: true });
  mkdirSync(mirror(name, 'part'), { recursive: true });
}

const DAMAGE: [string, () => void][] = [
  [
    'its packed references are zeros',
    () => {
      bench.repository.git(`--git-dir=${mirror()}`, 'pack-refs', '--all');
      writeFileSync(mirror('packed-refs'), Buffer.alloc(statSync(mirror('packed-refs')).size));
    },
  ],
  ['its packed references are a folder', () => folderAt('packed-refs')],
  ['its list of shallow commits is rubbish', () => writeFileSync(mirror('shallow'), 'rubbish\n')],
  [
    'its format is of the future',
    () => void bench.repository.git('config', '--file', mirror('config'), 'core.repositoryFormatVersion', '99'),
  ],
  ['the lock of a reference is a folder', () => folderAt('refs/mirror/main.lock')],
];

it.each(DAMAGE)('is created anew when %s', async (_what, damage) => {
  bench.repository.commit('one');
  const git = bench.source();
  expect(await git.fetch(never)).toMatchObject({ kind: 'ok' });
  damage();
  const commit = bench.repository.commit('two');
  expect(await git.fetch(never)).toMatchObject({ kind: 'ok', answer: { commit } });
  expect(await git.compare?.(commit, bench.repository.git('rev-parse', 'HEAD~1'), never)).toEqual({
    relation: 'behind',
    commits: 1,
  });
  expect(readdirSync(bench.dataDir)).toEqual(['config-mirror.git']);
});

it('is kept while the repository does not answer, whatever is wrong with it', async () => {
  bench.repository.commit('one');
  const git = bench.source();
  expect(await git.fetch(never)).toMatchObject({ kind: 'ok' });
  writeFileSync(mirror('shallow'), 'rubbish\n');
  const before = statSync(mirror()).ino;
  rmSync(bench.repository.path, { recursive: true });
  expect(await git.fetch(never)).toMatchObject({ kind: 'failed' });
  expect(statSync(mirror()).ino).toBe(before);
});
