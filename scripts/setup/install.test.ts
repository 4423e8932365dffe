import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createFixture, type Fixture } from './fixture';
import {
  brokenNativePackage,
  explainBrokenPackage,
  explainFailedInstall,
  installKey,
  isInstalled,
  matchesLockfile,
} from './install.mjs';

const LOCK = {
  packages: {
    '': { version: '1.0.0' },
    'node_modules/a': { version: '1.2.3' },
    'node_modules/for-another-system': { version: '4.0.0', optional: true },
  },
};
let fixture: Fixture;
beforeEach(() => {
  fixture = createFixture();
  fixture.write('package-lock.json', LOCK);
});
afterEach(() => fixture.remove());

describe('isInstalled', () => {
  const stamp = (change: object) => {
    fixture.write('node_modules/.nixfleet-install.json', { ...installKey(fixture.root), ...change });
  };

  it('is true after an install from this lockfile by this Node', () => {
    expect(isInstalled(fixture.root)).toBe(false);
    stamp({});
    expect(isInstalled(fixture.root)).toBe(true);
  });

  it.each([{ abi: '1' }, { platform: 'plan9-mips' }, { lockfile: '0' }])(
    'is false when the stamp says %j',
    (change) => {
      stamp(change);
      expect(isInstalled(fixture.root)).toBe(false);
    },
  );

  it('is false when the lockfile changed, or the stamp file is incomplete', () => {
    stamp({});
    fixture.write('package-lock.json', { ...LOCK, more: true });
    expect(isInstalled(fixture.root)).toBe(false);
    fixture.write('node_modules/.nixfleet-install.json', '{"abi":');
    expect(isInstalled(fixture.root)).toBe(false);
  });
});

describe('matchesLockfile', () => {
  const present = (packages: object) => fixture.write('node_modules/.package-lock.json', { packages });

  it('accepts a manual install, without the packages for other systems', () => {
    present({ 'node_modules/a': { version: '1.2.3' } });
    expect(matchesLockfile(fixture.root)).toBe(true);
  });

  it.each([
    [{}],
    [{ 'node_modules/a': { version: '1.2.4' } }],
    [{ 'node_modules/a': { version: '1.2.3' }, 'node_modules/old': { version: '1.0.0' } }],
    [{ 'node_modules/a': { version: '1.2.3' }, 'node_modules/for-another-system': { version: '3.0.0' } }],
  ])('refuses %j', (packages) => {
    present(packages);
    expect(matchesLockfile(fixture.root)).toBe(false);
  });

  it('is false when npm has left no record', () => {
    expect(matchesLockfile(fixture.root)).toBe(false);
  });
});

it('finds a native package whose binary does not load', () => {
  const sqlite = Number(process.versions.napi) >= 10 ? 'better-sqlite3' : 'better-sqlite3-node20';
  expect(brokenNativePackage(fixture.root)).toBe(sqlite);
  fixture.write(`node_modules/${sqlite}/index.js`, 'module.exports = class { close() {} }');
  fixture.write('node_modules/@node-rs/argon2/index.js', '');
  fixture.write('node_modules/@node-rs/bcrypt/index.js', 'process.abort()');
  expect(brokenNativePackage(fixture.root)).toBe('@node-rs/bcrypt');
  fixture.write('node_modules/@node-rs/bcrypt/index.js', '');
  expect(brokenNativePackage(fixture.root)).toBeNull();
});

it('names the missing tools only when compiling was the problem', () => {
  const said = explainFailedInstall('npm error path /x/node_modules/better-sqlite3\nnpm error gyp ERR!', [
    'python3',
    'g++',
  ]);
  expect(said).toMatch(/needs python3, g\+\+.*apt-get install python3 make g\+\+.*NixOS/);
  expect(explainFailedInstall('npm error path /x/node_modules/better-sqlite3', [])).toContain('could not be compiled');
  expect(explainFailedInstall('npm error code ENOTFOUND', ['make'])).not.toContain('make');
  expect(explainBrokenPackage('better-sqlite3', [])).toContain('ignore-scripts');
});
