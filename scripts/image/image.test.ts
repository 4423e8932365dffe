/** Checks that the image, the compose files and the version agree; `npm run test:container` starts them. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UNUSED_VARIABLES } from '@/lib/config/unused-variables';
import { VARIABLES } from '@/lib/config/variables';
import type { Variable } from '@/lib/config/variables/variable';
import { VERSION } from '@/lib/version';
import { SERVER_OPTIONS } from '../server-command.mjs';
import { healthAddress } from './health-check.mjs';

const text = (path: string) => readFileSync(path, 'utf8');
const COMPOSE_FILES = ['docker-compose.yml', 'docker-compose.local.yml'];

describe('the version', () => {
  it('is the same in VERSION, the packages, the image and the program', () => {
    const version = text('VERSION').trim();
    expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
    expect(VERSION).toBe(version);
    const lockfile: unknown = JSON.parse(text('package-lock.json'));
    expect(lockfile).toMatchObject({ version, packages: { '': { version } } });
    expect(/^ARG VERSION=(.+)$/m.exec(text('Dockerfile'))?.[1]).toBe(version);
  });
});

describe('the compose files', () => {
  /** Set by the image or the compose file, or useless in a container. */
  const NOT_PASSED = new Set(['NIXFLEET_LISTEN', 'NIXFLEET_DATA_DIR', 'NIXFLEET_DEMO']);
  const variables: Variable<unknown>[] = Object.values(VARIABLES);

  it.each(COMPOSE_FILES)(
    '%s passes on every variable, and the names of version 1 that still have a meaning',
    (file) => {
      const passed = new Set([...text(file).matchAll(/^ {6}(NIXFLEET_\w+):/gm)].map(([, name = '']) => name));
      const wanted = variables.flatMap(({ name, formerly }) => [name, ...(formerly ? [formerly.name] : [])]);
      expect(wanted.filter((name) => !NOT_PASSED.has(name) && !passed.has(name))).toEqual([]);
      const known = new Set([...wanted, 'NIXFLEET_TRUST_PROXY_HEADERS', 'NIXFLEET_TRUSTED_PROXY_IPS']);
      expect([...passed].filter((name) => !known.has(name) && !(name in UNUSED_VARIABLES))).toEqual([]);
    },
  );

  it.each(COMPOSE_FILES)('%s gives the container minimal privileges', (file) => {
    for (const line of [
      '    read_only: true',
      '    cap_drop:\n      - ALL',
      '    security_opt:\n      - no-new-privileges',
    ]) {
      expect(text(file)).toContain(line);
    }
  });

  it('publish a port only in the local one', () => {
    expect(text('docker-compose.yml')).not.toContain('ports:');
    expect(text('docker-compose.local.yml')).toContain("'${NIXFLEET_PUBLISH:-8000}:8000'");
  });
});

describe('the image', () => {
  it('is built from one base image without a fixed registry', () => {
    const from = [...text('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    expect(new Set(from)).toEqual(new Set(['${BASE_IMAGE}']));
    expect(text('Dockerfile')).toContain('ARG BASE_IMAGE=node:24-bookworm-slim\n');
  });

  it('starts the server with the same options as npm start', () => {
    const command = JSON.stringify(['node', ...SERVER_OPTIONS, '/app/dist/server.mjs']).replaceAll('","', '", "');
    expect(text('Dockerfile')).toContain(`\nCMD ${command}\n`);
  });

  it('contains only files that git tracks, or generated ones', () => {
    // The list is an allowlist: a new secret beside the sources stays out.
    expect(
      text('.dockerignore')
        .split('\n')
        .find((line) => line !== '' && !line.startsWith('#')),
    ).toBe('*');
    const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n');
    const allowed = [...text('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, name = '']) => name);
    const unknown = allowed.filter(
      (name) => name !== 'public' && !tracked.some((file) => file === name || file.startsWith(`${name}/`)),
    );
    expect(unknown).toEqual([]);
  });
});

describe('the health check', () => {
  it.each([
    [undefined, 'http://127.0.0.1:8000/health'],
    [' ', 'http://127.0.0.1:8000/health'],
    [':9000', 'http://127.0.0.1:9000/health'],
    ['0.0.0.0:80', 'http://127.0.0.1:80/health'],
    ['[::]:80', 'http://127.0.0.1:80/health'],
    ['[::1]:80', 'http://[::1]:80/health'],
    ['10.1.2.3:8000', 'http://10.1.2.3:8000/health'],
  ])('derives the address from NIXFLEET_LISTEN=%s', (listen, address) => {
    expect(healthAddress(listen)).toBe(address);
  });
});
