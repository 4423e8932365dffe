/** How switches, rollbacks and stops end when not all went well, with the real agent as a process. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgentBench, type AgentBench } from './testing/agent-bench';
import type { TestDashboard } from './testing/dashboard';
import { fileAppears, type TestHost } from './testing/host';

const FIXTURES = join(import.meta.dirname, '..', 'lib', 'causes', 'fixtures');
let bundle = '';
let host: TestHost;
let dashboard: TestDashboard;
let connect: AgentBench['connect'];

useAgentBench((made) => ({ bundle, host, dashboard, connect } = made));

const fixture = (name: string) => join(FIXTURES, `${name}.log`);

/** A script that makes a system, points links at it and prints a recorded output. */
function activating({ links, output, code }: Activation): string {
  const paths = links.map((link) => `ln -sfn ${host.path('new-system')} ${host.path(link)}`);
  return [`mkdir -p ${host.path('new-system')}`, ...paths, `cat ${fixture(output)} >&2`, `exit ${code}`].join('\n');
}
interface Activation {
  links: readonly ('current-system' | 'system-profile')[];
  output: string;
  code: number;
}

describe('a switch', () => {
  const BOTH = ['current-system', 'system-profile'] as const;
  const PARTIAL = {
    status: 'warning',
    restarting: true,
    message: 'Switched, but unit example.service failed (exit-code)',
  };

  it('whose unit failed is a warning that names the unit, and the agent restarts', async () => {
    const agent = await connect();
    host.program('nixos-rebuild', activating({ links: BOTH, output: 'switch-unit-failed', code: 4 }));
    dashboard.command('switch', 'sw');
    expect(await dashboard.result('sw')).toMatchObject({ ...PARTIAL, exit_code: 4 });
    expect(await agent.exit).toEqual({ code: 101, signal: null });
    const from = dashboard.received.length;
    host.start(bundle, dashboard.url);
    expect((await dashboard.frame('heartbeat', () => true, from)).update_status).toMatchObject({
      system: { status: 'ok', message: PARTIAL.message },
      tests: { status: 'outdated' },
    });
  });

  it('is judged by what runs where nixos-rebuild turns every exit code into 1', async () => {
    await connect();
    host.program('nixos-rebuild', activating({ links: BOTH, output: 'switch-units-failed-ng', code: 1 }));
    dashboard.command('pull-switch', 'ps');
    expect(await dashboard.result('ps')).toMatchObject({
      status: 'warning',
      restarting: true,
      message: 'Switched, but units postgresql.service and db-import.service (oom-kill) failed',
    });
  });

  it('whose activation script failed is a warning with its failure', async () => {
    await connect();
    host.program(
      'nixos-rebuild',
      `mkdir ${host.path('new-system')}; ln -s ${host.path('new-system')} ${host.path('current-system')}
      echo "Activation script snippet 'users' failed (1)" >&2; exit 2`,
    );
    dashboard.command('switch', 'sw');
    expect(await dashboard.result('sw')).toMatchObject({
      status: 'warning',
      restarting: true,
      exit_code: 2,
      message: "Switched, but nixos-rebuild failed with exit code 2: Activation script snippet 'users' failed (1)",
    });
  });

  it('to the system that runs already is a warning as well', async () => {
    host.program('nixos-rebuild', activating({ links: BOTH, output: 'switch-unit-failed', code: 4 }));
    await connect();
    dashboard.command('switch', 'first');
    expect(await dashboard.result('first')).toMatchObject(PARTIAL);
    const from = dashboard.received.length;
    host.start(bundle, dashboard.url);
    await dashboard.frame('heartbeat', () => true, from);
    dashboard.command('switch', 'again');
    expect(await dashboard.result('again')).toMatchObject(PARTIAL);
  });

  it('is a warning by its exit code alone where what runs can’t be read', async () => {
    await connect();
    host.program('nixos-rebuild', activating({ links: [], output: 'switch-unit-failed', code: 4 }));
    dashboard.command('switch', 'sw');
    expect(await dashboard.result('sw')).toMatchObject(PARTIAL);
  });

  it('failed when the system that was built does not run', async () => {
    const agent = await connect();
    host.program('nixos-rebuild', activating({ links: ['system-profile'], output: 'switch-inhibited', code: 1 }));
    dashboard.command('switch', 'inhibited');
    expect(await dashboard.result('inhibited')).toMatchObject({
      status: 'error',
      restarting: false,
      message:
        "nixos-rebuild failed with exit code 1: Pre-switch check 'switchInhibitors' failed: dbus-implementation : dbus -> broker",
    });
    await dashboard.frame('heartbeat', ({ update_status: report }) => report?.system.status === 'error');
    expect(agent.child.exitCode).toBeNull();
  });

  it('failed when nothing was activated, whatever ran before', async () => {
    await connect();
    host.program(
      'nixos-rebuild',
      `ln -sfn ${host.path('x')} ${host.path('system-profile')}; cat ${fixture('nix-builder-failed')} >&2; exit 1`,
    );
    dashboard.command('switch', 'sw');
    expect(await dashboard.result('sw')).toMatchObject({
      status: 'error',
      message:
        "nixos-rebuild failed with exit code 1: hello-2.12 failed to build (exit code 2): main.c:2:10: error: 'undeclared' undeclared (first use in this function)",
    });
  });

  it('is a warning for a rollback and a forced agent update, too, which restart nothing', async () => {
    await connect();
    host.program('nix', 'exit 0');
    host.program('nixos-rebuild', activating({ links: BOTH, output: 'switch-unit-failed', code: 4 }));
    dashboard.command('rollback', 'rb');
    expect(await dashboard.result('rb')).toMatchObject({
      status: 'warning',
      restarting: false,
      exit_code: 4,
      message: 'Rolled back to the previous generation, but unit example.service failed (exit-code)',
    });
    await dashboard.frame('heartbeat', ({ update_status: report }) => report?.system.status === 'outdated');
    dashboard.command('force-update', 'fu');
    expect(await dashboard.result('fu')).toMatchObject({
      status: 'warning',
      restarting: false,
      message: 'Force update complete, but unit example.service failed (exit-code)',
    });
  });
});

describe('a reason', () => {
  it.each([
    ['nix-trace-before-error', "error: attribute 'z' missing (at hosts/h1/configuration.nix:19:40)"],
    ['git-index-lock', "fatal: Unable to create '/var/lib/nixfleet-agent/repo/.git/index.lock': File exists."],
    ['git-unpack-failed', 'error: insufficient permission for adding an object to repository database .git/objects'],
    ['git-permission-denied', 'git@git.example.com: Permission denied (publickey).'],
  ])('is the causing line, not the last one: %s', async (name, cause) => {
    await connect();
    host.program('nix', `cat ${fixture(name)} >&2; exit 1`);
    dashboard.command('update', 'up');
    expect((await dashboard.result('up')).message).toBe(`nix flake update failed with exit code 1: ${cause}`);
  });

  it('never holds a secret, not even part of one that is cut off', async () => {
    const secret = 's3cret-0123456789-0123456789';
    host.program('nix', `printf 'error: %380s %s\n' x '${secret}' >&2; exit 1`);
    const agent = host.start(bundle, dashboard.url, {
      NIXFLEET_REPO_URL: `http://user:${secret}@127.0.0.1:9/fleet.git`,
      NIXFLEET_REPO_DIR: host.work,
    });
    await dashboard.frame('heartbeat');
    dashboard.command('update', 'up');
    expect((await dashboard.result('up')).message).not.toContain(secret.slice(0, 6));
    expect(agent.log()).not.toContain(secret.slice(0, 6));
  });
});

describe('a stop', () => {
  function slowSwitch(): void {
    host.program('nixos-rebuild', `touch ${host.path('running')}; exec sleep 300`);
  }

  it('says that the activation continues where it runs in a separate unit', async () => {
    await connect();
    slowSwitch();
    host.program(
      'systemctl',
      'echo "nixos-rebuild-switch-to-configuration.service loaded active running [systemd-run] switch-to-configuration"',
    );
    dashboard.command('rollback', 'rb');
    await fileAppears(host.path('running'));
    dashboard.command('stop', 'st', { target: 'rb' });
    const rest = 'but the activation continues in the unit nixos-rebuild-switch-to-configuration.service';
    expect(await dashboard.result('st')).toMatchObject({ status: 'warning', message: `rollback was stopped, ${rest}` });
    expect(await dashboard.result('rb')).toMatchObject({ status: 'stopped', message: `terminated by user, ${rest}` });
  });

  it('says so too when the new system runs already', async () => {
    await connect();
    const activate = `mkdir -p ${host.path('new-system')}; ln -sfn ${host.path('new-system')} ${host.path('current-system')}`;
    host.program('nixos-rebuild', `${activate}; touch ${host.path('running')}; exec sleep 300`);
    host.program('systemctl', 'echo "nixos-rebuild-switch-to-configuration.service loaded active running"');
    dashboard.command('switch', 'sw');
    await fileAppears(host.path('running'));
    dashboard.command('stop', 'st', { target: 'sw' });
    expect(await dashboard.result('sw')).toMatchObject({ status: 'stopped', may_continue: true });
  });

  it('names what still runs when a restart of the agent ends the command', async () => {
    await connect();
    slowSwitch();
    host.program('systemctl', 'echo "nixos-rebuild-switch-to-configuration.service loaded active running"');
    dashboard.command('rollback', 'rb');
    await fileAppears(host.path('running'));
    dashboard.command('restart', 'r');
    expect(await dashboard.result('rb')).toMatchObject({
      status: 'stopped',
      may_continue: true,
      message:
        'the agent was restarted, but the activation continues in the unit nixos-rebuild-switch-to-configuration.service',
    });
  });

  it('names nothing when nothing is left running', async () => {
    await connect();
    slowSwitch();
    host.program('systemctl', 'exit 0');
    dashboard.command('switch', 'sw');
    await fileAppears(host.path('running'));
    dashboard.command('stop', 'st', { target: 'sw' });
    const result = await dashboard.result('sw');
    expect(result).toMatchObject({ status: 'stopped', message: 'terminated by user' });
    expect(result.may_continue).toBeUndefined();
  });
});
