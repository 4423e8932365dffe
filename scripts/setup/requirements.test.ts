import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { findChromium } from './chromium.mjs';
import { createFixture, type Fixture } from './fixture';
import { findProgram, isNodeNewEnough, missingCompilers } from './requirements.mjs';

let fixture: Fixture;
beforeEach(() => {
  fixture = createFixture();
});
afterEach(() => fixture.remove());
const program = (name: string, body = 'exit 0') => {
  fixture.write(name, `#!/bin/sh\n${body}\n`, 0o755);
  return join(fixture.root, name);
};

it.each([
  ['20.19.0', true],
  ['20.20.2', true],
  ['22.0.0', true],
  ['24.21.0', true],
  ['20.18.9', false],
  ['18.20.0', false],
  ['9.99.0', false],
])('Node %s is new enough: %s', (version, enough) => {
  expect(isNodeNewEnough(version)).toBe(enough);
});

it('finds only executable programs', () => {
  const git = program('bin/git');
  fixture.write('bin/npm', 'no program', 0o644);
  fixture.write('bin/make/x', '');
  const path = `:${join(fixture.root, 'nowhere')}:${join(fixture.root, 'bin')}`;
  expect(findProgram('git', path)).toBe(git);
  expect(findProgram('npm', path)).toBeNull();
  expect(findProgram('make', path)).toBeNull();
});

it('names the missing tools for compiling; any C++ compiler counts', () => {
  program('bin/clang++');
  program('bin/make');
  expect(missingCompilers(join(fixture.root, 'bin'))).toEqual(['python3']);
  expect(missingCompilers('')).toEqual(['python3', 'make', 'g++']);
});

describe('Chromium', () => {
  it('is the configured one, or a problem is reported', () => {
    const chromium = program('my-chromium');
    expect(findChromium({ ...process.env, CHROMIUM_PATH: chromium })).toBe(chromium);
    expect(() => findChromium({ ...process.env, CHROMIUM_PATH: '/nowhere' })).toThrow('CHROMIUM_PATH is "/nowhere"');
  });

  it('is the first on the PATH that starts', () => {
    program('bin/chromium-browser', 'echo "install the snap"; exit 1');
    const chrome = program('bin/google-chrome');
    expect(findChromium({ ...process.env, CHROMIUM_PATH: '', PATH: join(fixture.root, 'bin') })).toBe(chrome);
  });
});
