/** Links of the documents, and the places in documents that the program names, exist. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { linksOf, sectionsOf } from './text/testing/markdown';

/** Without git (a copy of the sources, as the image has it), the list of files is not known. */
const files = existsSync('.git')
  ? execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
      .split('\n')
      .filter((path) => path !== '' && existsSync(path))
  : [];
const documents = files.filter((path) => path.endsWith('.md'));
const sources = files.filter(
  (path) =>
    /(?:\.(?:tsx?|mjs|nix|sh|ya?ml)|Dockerfile|\.env\.example)$/.test(path) && !/\.(?:test|spec)\.ts$/.test(path),
);

/** What is wrong with a target such as `docs/hosts.md#names`; null when it exists. */
function problemOf(target: string): string | null {
  const [path = '', anchor] = target.split('#');
  if (!existsSync(path)) return `${target}: no such file`;
  if (anchor === undefined || !path.endsWith('.md')) return null;
  return sectionsOf(readFileSync(path, 'utf8')).has(anchor) ? null : `${target}: no such heading`;
}

describe('sections and links', () => {
  it('are read as a forge reads them', () => {
    const page =
      '# A\n\none\n\n## What’s *new*, in `x`?\n\n```\n# no heading [no](link)\n```\n\n## A\n\ntwo [b](b.md#c) [d](#a)\n';
    expect([...sectionsOf(page).keys()]).toEqual(['a', 'whats-new-in-x', 'a-1']);
    expect(sectionsOf(page).get('a')).toContain('two');
    expect(sectionsOf(page).get('whats-new-in-x')).not.toContain('two');
    expect(linksOf('docs/page.md', page)).toEqual(['docs/b.md#c', 'docs/page.md#a']);
  });

  it('are reported when their file or heading does not exist', () => {
    expect(problemOf('docs/hosts.md#names')).toBeNull();
    expect(problemOf('docs/hosts.md#nothing')).toContain('no such heading');
    expect(problemOf('docs/nothing.md')).toContain('no such file');
  });
});

describe.skipIf(files.length === 0)('documents', () => {
  it.each(documents)('have links to files and headings that exist: %s', (path) => {
    const problems = linksOf(path, readFileSync(path, 'utf8')).map(problemOf);
    expect(problems.filter((problem) => problem !== null)).toEqual([]);
  });

  it('that the program, its comments and its settings name exist', () => {
    const named = sources.flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/\bdocs\/[\w./-]*\w\.(?:md|yml)(?:#[\w-]+)?/g)].map(
        ([target]) => [path, target] as const,
      ),
    );
    expect(named.length).toBeGreaterThan(20);
    const problems = named.map(([path, target]) => ({ path, problem: problemOf(target) }));
    expect(problems.filter(({ problem }) => problem !== null)).toEqual([]);
  });

  it('name tests that exist, by their titles', () => {
    const named = documents.flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/\[([^\]]+)\]\((\S+\.(?:test|spec|systemd)\.tsx?)\)/g)].map(
        ([, title = '', target = '']) => ({ path, title, file: join(dirname(path), target) }),
      ),
    );
    expect(named.length).toBeGreaterThan(10);
    const missing = named.filter(({ title, file }) => !readFileSync(file, 'utf8').includes(`'${title}'`));
    expect(missing).toEqual([]);
  });

  it('name tests of attacks that exist', () => {
    const [, table = ''] = readFileSync('docs/security.md', 'utf8').split('\n## Attacks and their tests\n');
    const named = [...table.matchAll(/`([\w./-]+\.(?:test|spec)\.ts)`/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(50);
    const isThere = (name: string) => files.some((path) => path === name || path.endsWith(`/${name}`));
    expect(named.filter((name) => !isThere(name))).toEqual([]);
  });

  it('have a row for each decision in their index, with its title and date', () => {
    const folder = 'docs/decisions/';
    const index = readFileSync(`${folder}README.md`, 'utf8');
    const rows = [
      ...index.matchAll(/^\| (\d+) \| \[(.+)\]\((\S+\.md)\) \| (\d{4}-\d\d-\d\d) \| (?:accepted|superseded)/gm),
    ];
    const pages = documents.filter((path) => path.startsWith(folder) && !path.endsWith('README.md'));
    expect(rows.map(([, , , file]) => `${folder}${file}`).sort()).toEqual([...pages].sort());
    for (const [, number, title, file, date] of rows) {
      const page = readFileSync(`${folder}${file}`, 'utf8');
      expect(file).toMatch(new RegExp(`^${number?.padStart(4, '0')}-`));
      expect(page.split('\n', 1)[0]).toBe(`# ${number}. ${title}`);
      expect(page, file).toContain(date);
    }
  });
});
