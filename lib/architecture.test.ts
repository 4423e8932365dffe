/** docs/architecture.md says where things live: its table and the tree are the same. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
/** Without git (a copy of the sources, as the image has it) there is nothing to compare with. */
const files = existsSync(join(ROOT, '.git'))
  ? execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' })
      .split('\n')
      .filter((path) => path !== '' && existsSync(join(ROOT, path)))
  : [];

/** Folders that hold source files, tests and what tests share left aside. */
const isSource = (path: string) =>
  /\.(ts|tsx|mjs)$/.test(path) && !path.endsWith('.test.ts') && !/\/(test|testing|fixtures)\//.test(path);
const sources = files.filter(isSource);

function foldersInPage(): Set<string> {
  const table = PAGE.slice(PAGE.indexOf('## Layout'), PAGE.indexOf('## Arrows'));
  const named = new Set<string>();
  for (const row of table.split('\n').filter((line) => line.startsWith('| `'))) {
    const [cell = '', text = ''] = row.split(' | ');
    const folders = [...cell.matchAll(/`([^`]+)\/`/g)].map(([, folder = '']) => folder);
    for (const folder of folders) {
      named.add(folder);
      // `operator/` in the text of `lib/auth/` is a folder of it.
      for (const [, child = ''] of text.matchAll(/`([a-z0-9-]+)\/`/g)) named.add(`${folder}/${child}`);
    }
  }
  return named;
}

describe.skipIf(files.length === 0)('server actions', () => {
  const actions = sources
    .filter((path) => path.startsWith('app/'))
    .map((path) => readFileSync(join(ROOT, path), 'utf8'))
    .filter((text) => /^'use server';/m.test(text));

  it('are made by a wrapper that asks for session and permission, except the set-up', () => {
    const exported = actions.flatMap((text) => [...text.matchAll(/^export .*$/gm)].map(([line]) => line));
    expect(exported.length).toBeGreaterThan(20);
    const unguarded = exported.filter((line) => !/^export const \w+ = (?:operator|stepUp)Action\(/.test(line));
    expect(unguarded).toEqual(['export const completeSetup = publicAction(setupSchema, (input, { address }) =>']);
  });
});

describe.skipIf(files.length === 0)('docs/architecture.md', () => {
  const named = foldersInPage();

  it('names only folders that exist', () => {
    const missing = [...named].filter((folder) => !existsSync(join(ROOT, folder)));
    expect(missing).toEqual([]);
  });

  it('names every folder of lib and every folder at the top', () => {
    const folders = new Set<string>();
    for (const path of sources) {
      const folder = dirname(path);
      if (folder.startsWith('lib/')) folders.add(folder);
      else if (folder !== '.') folders.add(folder.split('/')[0] ?? '');
    }
    expect([...folders].filter((folder) => !named.has(folder)).sort()).toEqual([]);
  });

  it('names files that exist', () => {
    const paths = [...PAGE.matchAll(/`((?:lib|app|agent|scripts)\/[^`\s]+\.[a-z]+)`/g)].map(([, path = '']) => path);
    expect(paths.length).toBeGreaterThan(8);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe.skipIf(files.length === 0)('files of lib', () => {
  it('have names of their own: no two files of one name', () => {
    const byName = new Map<string, string[]>();
    for (const path of sources.filter((file) => file.startsWith('lib/') && basename(file) !== 'index.ts')) {
      byName.set(basename(path), [...(byName.get(basename(path)) ?? []), path]);
    }
    expect([...byName.values()].filter((paths) => paths.length > 1)).toEqual([]);
  });
});

describe.skipIf(files.length === 0)('rooms of lib/fleet', () => {
  /** Imports of code, not of types, from one room to another: docs/decisions/0047. */
  const MOST_IMPORTS_BETWEEN_ROOMS = 49;

  it('are tied to each other by few imports', () => {
    const between: string[] = [];
    for (const path of sources.filter((file) => /^lib\/fleet\/\w+\//.test(file))) {
      const text = readFileSync(join(ROOT, path), 'utf8');
      for (const [, target = ''] of text.matchAll(/^import (?!type )[^;]*? from '\.\.\/([a-z]+\/[^']+)';/gms)) {
        between.push(`${path} -> ${target}`);
      }
    }
    expect(between.length).toBeGreaterThan(10);
    expect(between.length, between.join('\n')).toBeLessThanOrEqual(MOST_IMPORTS_BETWEEN_ROOMS);
  });
});

describe.skipIf(files.length === 0)('imports of code', () => {
  const modules = files.filter((path) => /\.(ts|tsx|mjs)$/.test(path));
  const known = new Set(modules);

  /** The file of this project that an import in `from` names; null for a package. */
  function fileOf(specifier: string, from: string): string | null {
    const path = specifier.startsWith('@/') ? specifier.slice(2) : join(dirname(from), specifier);
    const endings = ['', '.ts', '.tsx', '.mjs', '/index.ts'];
    return endings.map((ending) => path + ending).find((candidate) => known.has(candidate)) ?? null;
  }

  function importsOf(path: string): string[] {
    const text = readFileSync(join(ROOT, path), 'utf8');
    const found = text.matchAll(/^(?:import|export) (?!type )(?:[^;'"]*? from )?'((?:@|\.{1,2})\/[^']+)'/gms);
    return [...found].flatMap(([, specifier = '']) => fileOf(specifier, path) ?? []);
  }

  it('form no cycle', () => {
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]) => {
      if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      if (done.has(path)) return;
      done.add(path);
      for (const next of importsOf(path)) visit(next, [...trail, path]);
    };
    for (const path of modules) visit(path, []);
    expect(done.size).toBeGreaterThan(500);
    expect(cycles).toEqual([]);
  });
});
