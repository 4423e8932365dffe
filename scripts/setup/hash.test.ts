import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFixture, type Fixture } from './fixture';
import { hashSources } from './hash.mjs';

let fixture: Fixture;
beforeEach(() => {
  fixture = createFixture();
  fixture.write('lib/a.ts', 'one');
  fixture.write('lib/deep/b.ts', 'two');
});
afterEach(() => fixture.remove());

const hash = () => hashSources(fixture.root, ['lib', 'server.ts']);

it('is the same for the same files in any order', () => {
  expect(hashSources(fixture.root, ['server.ts', 'lib'])).toBe(hash());
  expect(hash()).toMatch(/^[0-9a-f]{64}$/);
});

it.each<[string, () => void]>([
  ['a content changes', () => fixture.write('lib/deep/b.ts', 'twp')],
  ['a file appears', () => fixture.write('lib/c.ts', '')],
  ['a named file appears', () => fixture.write('server.ts', '')],
  ['a file goes', () => rmSync(join(fixture.root, 'lib/a.ts'))],
  ['a file moves', () => renameSync(join(fixture.root, 'lib/a.ts'), join(fixture.root, 'lib/c.ts'))],
  [
    'text moves from one file to the next',
    () => {
      fixture.write('lib/a.ts', 'onet');
      fixture.write('lib/deep/b.ts', 'wo');
    },
  ],
  ['a link leads elsewhere', () => symlinkSync('a.ts', join(fixture.root, 'lib/link'))],
])('changes when %s', (_name, change) => {
  const before = hash();
  change();
  expect(hash()).not.toBe(before);
});

it('ignores tests and packages, and follows no links', () => {
  const before = hash();
  fixture.write('lib/a.test.ts', 'test');
  fixture.write('lib/node_modules/x/index.js', 'x');
  fixture.write('elsewhere/x.ts', 'x');
  expect(hash()).toBe(before);
  mkdirSync(join(fixture.root, 'lib/circle'));
  symlinkSync('..', join(fixture.root, 'lib/circle/up'));
  expect(hash()).not.toBe(before);
});
