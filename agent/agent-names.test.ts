/** The real agent as a process: the name of its host, its attribute in the flake, and clones that it can't repair. */
import { chmodSync, chownSync, lchownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgentBench } from './testing/agent-bench';
import type { TestDashboard } from './testing/dashboard';
import type { TestHost } from './testing/host';

const isRoot = process.getuid?.() === 0;
/** A user without files, on every system. */
const NOBODY = 65_534;
let bundle = '';
let host: TestHost;
let dashboard: TestDashboard;

useAgentBench((made) => ({ bundle, host, dashboard } = made));

/** Gives the agent's machine a name. */
function machineNamed(name: string): Record<string, string> {
  const preload = host.path('name.cjs');
  writeFileSync(
    preload,
    `require('os').hostname = () => ${JSON.stringify(name)}; require('module').syncBuiltinESMExports();`,
  );
  return { NIXFLEET_HOSTNAME: '', NODE_OPTIONS: `--require=${preload}` };
}

it("keeps the case of the machine's name for the flake and for the folder of its tests, and not for the dashboard", async () => {
  host.commit({ 'hosts/Epsilon/tests/1.sh': '#!/bin/sh\necho tested\n' });
  host.program('nix', `echo '["Epsilon"]'`);
  host.program('nixos-rebuild', 'echo "building $*"; exit 1');
  host.start(bundle, dashboard.url, machineNamed('Epsilon.example.org'));
  expect((await dashboard.frame('register')).hostname).toBe('epsilon');
  await dashboard.frame('heartbeat');
  dashboard.command('switch', 'sw');
  await dashboard.result('sw');
  expect(dashboard.lines('sw').map(({ line }) => line)).toContain(`building switch --flake ${host.repoDir}#Epsilon`);
  dashboard.command('test', 't');
  expect(await dashboard.result('t')).toMatchObject({ status: 'ok', message: 'All tests passed (1)' });
});

it('uses the configured attribute and folder in every operation', async () => {
  host.commit({ 'systems/home/flake.nix': '{ }', 'systems/home/flake.lock': '{"version":7}' });
  host.program('nix', 'echo "nix $* in $(pwd)"');
  host.program('nixos-rebuild', 'echo "nixos-rebuild $*"; exit 1');
  host.start(bundle, dashboard.url, {
    NIXFLEET_FLAKE_ATTRIBUTE: 'alice@laptop',
    NIXFLEET_FLAKE_DIR: './systems/home/',
  });
  const heartbeat = await dashboard.frame('heartbeat');
  expect(heartbeat.update_status?.lock).toMatchObject({ status: 'ok' });
  const flake = `${host.repoDir}/systems/home`;
  const lines: string[] = [];
  for (const command of ['switch', 'update', 'force-update', 'refresh-system']) {
    dashboard.command(command, command);
    await dashboard.result(command);
    lines.push(...dashboard.lines(command).map(({ line }) => line));
  }
  expect(lines).toEqual(
    expect.arrayContaining([
      `nixos-rebuild switch --flake ${flake}#alice@laptop`,
      `nix --extra-experimental-features nix-command flakes flake update in ${flake}`,
      `nix --extra-experimental-features nix-command flakes flake update nixfleet in ${flake}`,
      `nixos-rebuild switch --flake ${flake}#alice@laptop --option narinfo-cache-negative-ttl 0`,
      `nix --extra-experimental-features nix-command flakes build --dry-run --json --no-link ${flake}#nixosConfigurations."alice@laptop".config.system.build.toplevel in ${host.repoDir}`,
    ]),
  );
});

it('reports a lock that is changed and not committed', async () => {
  host.start(bundle, dashboard.url);
  await dashboard.frame('heartbeat', ({ lock_hash }) => /^[0-9a-f]{64}$/.test(lock_hash));
  host.program('nix', 'echo changed > flake.lock');
  dashboard.command('update', 'u');
  await dashboard.result('u');
  const heartbeat = await dashboard.frame('heartbeat', ({ lock_hash }) => lock_hash === 'changed');
  expect(heartbeat.update_status?.lock).toMatchObject({
    status: 'outdated',
    message: 'flake.lock is changed and not committed',
  });
});

describe('a name that the dashboard does not admit', () => {
  it.each(['web-1.example.org', 'my_host'])('fails --check and is logged: %s', async (name) => {
    const check = host.start(bundle, dashboard.url, { NIXFLEET_HOSTNAME: name }, ['--check']);
    expect(await check.exit).toMatchObject({ code: 1 });
    expect(check.stdout()).toContain(`the dashboard admits no new host named "${name}": set NIXFLEET_HOSTNAME to`);
    // It runs all the same: a host of an earlier dashboard may have such a name.
    const agent = host.start(bundle, dashboard.url, { NIXFLEET_HOSTNAME: name });
    await dashboard.frame('heartbeat');
    expect(agent.log()).toContain(`the dashboard admits no new host named "${name}"`);
  });
});

describe.skipIf(!isRoot)('files of root in the clone of an agent without root (skipped unless root)', () => {
  it('are named, with the command that repairs them', async () => {
    for (const name of readdirSync(host.root, { recursive: true, encoding: 'utf8' }))
      lchownSync(join(host.root, name), NOBODY, NOBODY);
    chownSync(host.root, NOBODY, NOBODY);
    chmodSync(dirname(bundle), 0o755);
    host.start(bundle, dashboard.url, {}, [], NOBODY);
    await dashboard.frame('heartbeat', ({ generation }) => generation !== '');
    // As after `sudo git pull` in the agent's clone.
    const head = readFileSync(join(host.repoDir, '.git', 'HEAD'));
    rmSync(join(host.repoDir, '.git', 'FETCH_HEAD'), { force: true });
    writeFileSync(join(host.repoDir, '.git', 'FETCH_HEAD'), head);
    mkdirSync(join(host.repoDir, '.git', 'objects', 'aa'), { recursive: true });
    dashboard.command('pull', 'p');
    const { message } = await dashboard.result('p');
    expect(message).toContain('belongs to root');
    expect(message).toMatch(new RegExp(`run as root \`chown -R \\w+ ${host.repoDir}\``));
  });
});
