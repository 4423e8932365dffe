import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { completeLockfile } from './lockfile.mjs';

describe('completeLockfile', () => {
  it('adds missing packages with the system from their name, and nothing twice', () => {
    const lockfile = {
      packages: {
        'node_modules/tool': {
          version: '1.0.0',
          dev: true,
          optionalDependencies: {
            '@tool/linux-x64-gnu': '1.0.0',
            '@tool/linux-arm64-musl': '1.0.0',
            '@tool/darwin-arm64': '1.0.0',
            fsevents: '^2.0.0',
          },
        },
        'node_modules/@tool/linux-x64-gnu': { version: '1.0.0' },
      },
    };
    expect(completeLockfile(lockfile)).toEqual(['@tool/linux-arm64-musl', '@tool/darwin-arm64']);
    expect(lockfile.packages).toMatchObject({
      'node_modules/@tool/linux-arm64-musl': {
        os: ['linux'],
        cpu: ['arm64'],
        libc: ['musl'],
        optional: true,
        dev: true,
      },
      'node_modules/@tool/darwin-arm64': { os: ['darwin'], cpu: ['arm64'] },
    });
    expect(completeLockfile(lockfile)).toEqual([]);
  });
});

describe('package-lock.json', () => {
  const text = readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8');

  it('is complete: `npm ci` works on every system', () => {
    expect(completeLockfile(JSON.parse(text) as Parameters<typeof completeLockfile>[0])).toEqual([]);
  });

  it('names no registry', () => {
    expect(text).not.toContain('"resolved"');
    expect(text).not.toMatch(/https?:\/\/[^"]*\.tgz/);
  });
});
