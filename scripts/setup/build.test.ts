import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildKey, isBuilt } from './build.mjs';
import { createFixture, type Fixture } from './fixture';

const PRODUCTS = ['dist/server.mjs', 'dist/store-thread.mjs', 'dist/cli.mjs', 'dist/agent.mjs', '.next/BUILD_ID'];
let fixture: Fixture;
beforeEach(() => {
  fixture = createFixture();
  for (const path of ['package-lock.json', 'server.ts', 'app/page.tsx', 'docs/text.md', ...PRODUCTS])
    fixture.write(path, path);
  fixture.write('dist/.build-stamp.json', { sources: buildKey(fixture.root) });
});
afterEach(() => fixture.remove());

it('is built when all products exist and were built from these sources', () => {
  expect(isBuilt(fixture.root)).toBe(true);
  fixture.write('docs/text.md', 'another text');
  expect(isBuilt(fixture.root)).toBe(true);
});

it.each(PRODUCTS)('is not built without %s', (path) => {
  rmSync(join(fixture.root, path));
  expect(isBuilt(fixture.root)).toBe(false);
});

it.each([
  'package-lock.json',
  'package.json',
  'app/page.tsx',
  'lib/a.ts',
  'agent/main.ts',
  'simulator/main.ts',
  'drizzle/0001.sql',
  'cli/main.ts',
  'public/icon.svg',
  'server.ts',
  'proxy.ts',
  'next.config.mjs',
  'postcss.config.mjs',
  'tsconfig.json',
])('is out of date after a change of %s', (path) => {
  fixture.write(path, 'changed');
  expect(isBuilt(fixture.root)).toBe(false);
});
