import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_HOSTS, STORIES } from './fleet.mjs';
import { createDemoRepository, type DemoRepository } from './repository.mjs';

let folder: string;
let repository: DemoRepository;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nixfleet-demo-test-'));
  repository = await createDemoRepository(folder, DEMO_HOSTS);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const git = (...args: string[]) => execFileSync('git', args, { cwd: repository.origin, encoding: 'utf8' }).trim();
const show = (path: string) => git('show', `main:${path}`);

describe('the demo repository', () => {
  it('is bare, with a configuration and executable tests for each host', () => {
    expect(git('rev-parse', '--is-bare-repository')).toBe('true');
    for (const { name, type } of DEMO_HOSTS) {
      const attribute = type === 'nixos' ? `${name} = nixos "${name}";` : `${name} = home "${name}";`;
      expect(show('flake.nix')).toContain(attribute);
      expect(show(`hosts/${name}/configuration.nix`)).toContain('services.nixfleet-agent.enable = true;');
      const tests = git('ls-tree', 'main', `hosts/${name}/tests/`).split('\n');
      expect(tests).toHaveLength(3);
      for (const test of tests) expect(test).toMatch(/^100755 blob .*\.sh$/);
    }
  });

  it('has a history of several days, with a lock file older than the last commit', () => {
    const times = git('log', '--format=%ct', 'main').split('\n').map(Number);
    expect(times.length).toBeGreaterThan(3);
    expect([...times].sort((a, b) => b - a)).toEqual(times);
    expect(Number(git('log', '-1', '--format=%ct', 'main', '--', 'flake.lock'))).toBeLessThan(times[0] ?? 0);
  });

  it('accepts commits that change one host, all hosts, or the lock file', async () => {
    const before = await repository.head();
    const lock = show('flake.lock');
    const one = await repository.commit('ember: add a shell', { host: 'ember', line: 'programs.zsh.enable = true;' });
    expect(git('diff', '--name-only', before, one)).toBe('hosts/ember/configuration.nix');
    expect(show('hosts/ember/configuration.nix')).toMatch(/ {2}programs\.zsh\.enable = true;\n\}$/);
    const all = await repository.commit('say something');
    expect(git('diff', '--name-only', one, all)).toBe('modules/common.nix');
    const bumped = await repository.commit('flake.lock: update', { bumpLock: true });
    expect(git('diff', '--name-only', all, bumped)).toBe('flake.lock');
    expect(show('flake.lock')).not.toBe(lock);
    expect(git('log', '-1', '--format=%s', 'main')).toBe('flake.lock: update');
    expect(await repository.head()).toBe(bumped);
    expect(git('rev-parse', 'main')).toBe(bumped);
  });

  it('writes files unchanged and makes scripts executable', async () => {
    await repository.commit('atlas: test backups', {
      files: { 'hosts/atlas/tests/40-backup.sh': '#!/bin/sh\nexit 1\n' },
    });
    expect(git('ls-tree', 'main', 'hosts/atlas/tests/40-backup.sh')).toMatch(/^100755/);
  });

  it('makes clones that are behind', async () => {
    const path = join(folder, 'late');
    await repository.cloneTo(path, 2);
    expect(
      execFileSync('git', ['rev-list', '--count', 'HEAD..origin/main'], { cwd: path, encoding: 'utf8' }).trim(),
    ).toBe('2');
    expect(statSync(join(path, 'hosts/atlas/tests/20-disk.sh')).mode & 0o111).not.toBe(0);
  });

  it('ends a running git when it is aborted', async () => {
    const stopped = AbortSignal.abort();
    const elsewhere = mkdtempSync(join(tmpdir(), 'nixfleet-demo-test-'));
    await expect(createDemoRepository(elsewhere, DEMO_HOSTS, { signal: stopped })).rejects.toMatchObject({
      name: 'AbortError',
    });
    rmSync(elsewhere, { recursive: true });
  });
});

describe('the scheduled commits', () => {
  it('are at most 20, each for a host of the fleet and with a new line', () => {
    expect(STORIES.length).toBeLessThanOrEqual(20);
    const common = readFileSync(join(repository.work, 'modules/common.nix'), 'utf8');
    const lines = STORIES.flatMap(({ line }) => (line === undefined ? [] : [line]));
    expect(new Set(lines).size).toBe(lines.length);
    for (const line of lines) expect(common).not.toContain(line.split(' = ')[0]);
    for (const { host } of STORIES) if (host !== undefined) expect(DEMO_HOSTS.map(({ name }) => name)).toContain(host);
  });
});
