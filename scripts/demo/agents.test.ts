import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestDashboard, TEST_TOKEN, type TestDashboard } from '@/agent/testing/dashboard';
import { ACCEPTED } from '@/lib/protocol/agent/accepts';
import { ensureAgent } from '../build-agent.mjs';
import { startDemoAgent, type DemoAgent } from './agents.mjs';
import { RUN_VARIABLE } from './environment.mjs';
import { DEMO_HOSTS, type DemoHost } from './fleet.mjs';
import { endProcessesOf, processesOf } from './processes.mjs';
import { createDemoRepository, type DemoRepository } from './repository.mjs';

let bundle: string;
let folder: string;
let repository: DemoRepository;
let dashboard: TestDashboard;
let run: string;
let agents: DemoAgent[];

beforeAll(async () => {
  bundle = await ensureAgent();
});
beforeEach(async () => {
  run = randomUUID();
  agents = [];
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'nixfleet-demo-test-')));
  repository = await createDemoRepository(folder, DEMO_HOSTS);
  dashboard = await startTestDashboard();
});
afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  endProcessesOf(run);
  await dashboard.stop();
  rmSync(folder, { recursive: true, force: true });
});

function start(name: string, options: Record<string, string> = {}): DemoAgent {
  const host = DEMO_HOSTS.find((one): one is DemoHost => one.name === name);
  if (host === undefined) throw new Error(`there is no host ${name}`);
  const env = { NIXFLEET_DEMO_SPEED: '200', NIXFLEET_LOG_LEVEL: 'info', [RUN_VARIABLE]: run, ...options };
  const place = { folder: join(folder, name), bundle, url: dashboard.url, token: TEST_TOKEN, repository };
  const agent = startDemoAgent({ host, ...place, intervalS: 1, restartMs: 20, env });
  agents.push(agent);
  return agent;
}

const registrations = () => dashboard.all('register').map(({ payload }) => payload);
const registered = (count: number) => dashboard.until(`registration ${count}`, () => registrations()[count - 1]);

describe('a demo agent', () => {
  it('registers as the given host', async () => {
    const agent = start('ember');
    await agent.registered;
    const { payload } = dashboard.all('register')[0] ?? {};
    expect(payload).toMatchObject({
      hostname: 'ember',
      host_type: 'macos',
      location: 'home',
      device_type: 'laptop',
      theme_color: '#e0af68',
      heartbeat_interval: 1,
      repo_url: repository.origin,
      generation: (await repository.head()).slice(0, 7),
    });
  });

  it('pulls, switches and restarts, and then runs the system that the configuration builds', async () => {
    const agent = start('atlas');
    await agent.registered;
    const before = agent.process.pid;
    const commit = await repository.commit('a change');
    dashboard.command('pull-switch', 'c1');
    expect(await dashboard.result('c1')).toMatchObject({ status: 'ok', generation: commit.slice(0, 7) });
    await registered(2);
    expect(agent.process.pid).not.toBe(before);
    dashboard.command('refresh-system', 'c2');
    expect(await dashboard.result('c2')).toMatchObject({ status: 'ok', message: 'ok' });
    await repository.commit('another change');
    dashboard.command('pull', 'c3');
    await dashboard.result('c3');
    dashboard.command('refresh-system', 'c4');
    expect(await dashboard.result('c4')).toMatchObject({ status: 'ok', message: 'outdated' });
  });

  it('builds with progress, and switches with nixfleet-root where the host has it', async () => {
    const agent = start('atlas');
    await agent.registered;
    expect(registrations()[0]?.capabilities).toContain('activation');
    dashboard.command('switch', 'c1');
    expect(await dashboard.result('c1')).toMatchObject({ status: 'ok', restarting: true });
    const phases = dashboard.all('operation_progress').map(({ payload }) => Object.entries(payload.progress)[0]);
    const names = new Set(phases.map((entry) => entry?.[0]));
    expect([...names].sort()).toEqual(['activate', 'build', 'evaluate', 'fetch', 'system']);
    expect(phases).toContainEqual(['build', { current: 14, total: 14, status: 'complete' }]);
    const output = dashboard.lines('c1').map(({ line }) => line);
    expect(output).toContain('Built 14 of 14 derivations');
    expect(output).toContain('setting up /etc...');
  });

  it('calls nixos-rebuild on the host without nixfleet-root, with the progress that its output shows', async () => {
    const agent = start('borealis');
    await agent.registered;
    expect(registrations()[0]?.capabilities).not.toContain('activation');
    dashboard.command('switch', 'c1');
    expect(await dashboard.result('c1')).toMatchObject({ status: 'ok' });
    const phases = dashboard.all('operation_progress').flatMap(({ payload }) => Object.keys(payload.progress));
    expect([...new Set(phases)]).toEqual(expect.arrayContaining(['evaluate', 'system']));
  });

  it('continues an activation when its agent is killed, and reports the true result with the whole output', async () => {
    const hold = join(folder, 'hold');
    writeFileSync(hold, '');
    const agent = start('atlas', { NIXFLEET_DEMO_HOLD_ACTIVATION: hold });
    await agent.registered;
    dashboard.command('switch', 'c1');
    await dashboard.until('the activation', () =>
      dashboard.lines('c1').find(({ line }) => line === 'activating the configuration...'),
    );
    agent.process.kill('SIGKILL');
    await registered(2);
    rmSync(hold);
    expect(await dashboard.result('c1')).toMatchObject({ status: 'ok', restarting: false });
    expect(dashboard.received.find(({ frame }) => frame.type === 'status')?.connection).toBe(2);
    const byNumber = new Map(dashboard.lines('c1').map(({ seq, line }) => [seq, line]));
    const lines = [...byNumber.values()];
    expect(lines.filter((line) => line === 'activating the configuration...')).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('Done. The new configuration is'))).toHaveLength(1);
  });

  it('reports generations from before the demo, and switches to one of them', async () => {
    dashboard.settings.accepts = ACCEPTED;
    const agent = start('atlas');
    await agent.registered;
    const before = await dashboard.frame('system_generations');
    expect(before.generations.map(({ number }) => number)).toEqual([41, 40, 39, 38]);
    expect(before.generations[0]).toMatchObject({ runs: true, next_boot: true, booted: true });
    expect(before.generations[3]).toMatchObject({
      nixos_version: expect.stringMatching(/^25\.11\.\d{8}\.[0-9a-f]{7}$/) as string,
      kernel_version: expect.stringMatching(/^6\.12\.\d+$/) as string,
      configuration_revision: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
      runs: false,
    });
    const times = before.generations.map(({ created_at: at }) => at);
    expect(times).toEqual([...times].sort((a, b) => b - a));
    dashboard.command('switch-generation', 'c1', { generation: 39 });
    expect(await dashboard.result('c1')).toMatchObject({ status: 'ok', message: 'Switched to generation 39' });
    await dashboard.frame('system_generations', ({ generations }) =>
      generations.some(({ number, runs, next_boot: isNext }) => number === 39 && runs && isNext),
    );
    dashboard.command('switch', 'c2');
    expect(await dashboard.result('c2')).toMatchObject({ status: 'ok' });
    // What the switch built is a new generation, with the commit of the clone.
    const after = await dashboard.frame('system_generations', ({ generations }) =>
      generations.some(({ number, runs }) => number === 42 && runs),
    );
    expect(after.generations[0]?.configuration_revision).toBe(await repository.head());
  });

  it('names the unit that fails after a switch, with its last lines', async () => {
    const agent = start('cygnus', { NIXFLEET_DEMO_FAILED_UNITS: 'cygnus' });
    await agent.registered;
    dashboard.command('switch', 'c1');
    expect(await dashboard.result('c1')).toMatchObject({
      status: 'warning',
      exit_code: 4,
      message: 'Switched, but unit fleet-status.service failed (exit-code)',
      restarting: true,
    });
    const output = dashboard.lines('c1').map(({ line }) => line);
    expect(output).toContain('Last lines of fleet-status.service:');
    expect(output.some((line) => line.includes('address already in use'))).toBe(true);
  });

  it('has a policy on one host, which refuses a commit that nobody has signed', async () => {
    dashboard.settings.accepts = ACCEPTED;
    await start('flint').registered;
    expect(await dashboard.frame('host_policy')).toMatchObject({ state: 'set', branches: ['main'] });
    dashboard.command('pull', 'pull');
    await dashboard.result('pull');
    dashboard.command('switch', 'refused-switch');
    expect(await dashboard.result('refused-switch')).toMatchObject({ status: 'error', refused: 'signature' });
    dashboard.command('update', 'refused-update');
    expect(await dashboard.result('refused-update')).toMatchObject({ status: 'error', refused: 'operation' });
  });

  it.each(['atlas', 'ember'])('runs its tests, rolls back, and updates the lock file (%s)', async (name) => {
    const agent = start(name);
    await agent.registered;
    dashboard.command('test', 'test');
    expect(await dashboard.result('test')).toMatchObject({ status: 'ok', message: 'All tests passed (3)' });
    await repository.commit('flake.lock: update', { bumpLock: true });
    dashboard.command('pull-switch', 'switch');
    expect(await dashboard.result('switch')).toMatchObject({ status: 'ok' });
    if (name === 'atlas') await registered(2);
    dashboard.command('rollback', 'back');
    expect(await dashboard.result('back')).toMatchObject({ status: 'ok' });
    dashboard.command('refresh-system', 'look');
    expect(await dashboard.result('look')).toMatchObject({ message: 'outdated' });
    dashboard.command('update', 'update');
    expect(await dashboard.result('update')).toMatchObject({ status: 'ok' });
  });

  it('reports why a build fails', async () => {
    const agent = start('draco', { NIXFLEET_DEMO_FAILS: 'draco' });
    await agent.registered;
    dashboard.command('switch', 'c1');
    const { status, exit_code, message } = await dashboard.result('c1');
    expect({ status, exit_code }).toEqual({ status: 'error', exit_code: 1 });
    expect(message).toContain('failed to build');
  });

  it('is offline while its host reboots, and reconnects', async () => {
    const agent = start('cygnus');
    await agent.registered;
    dashboard.command('reboot', 'c1');
    expect(await dashboard.result('c1')).toMatchObject({ status: 'ok' });
    await registered(2);
    expect(existsSync(join(folder, 'cygnus', 'system', 'reboot'))).toBe(false);
  });

  it('is restarted after a crash but not after stop', async () => {
    const agent = start('atlas');
    await agent.registered;
    agent.process.kill('SIGKILL');
    await registered(2);
    await agent.stop();
    await agent.ended;
    expect(processesOf(run)).toEqual([]);
    expect(registrations()).toHaveLength(2);
  });

  it('is not restarted with a wrong configuration', async () => {
    const agent = start('atlas', { NIXFLEET_BRANCH: 'a..b' });
    await agent.ended;
    expect(agent.process.exitCode).toBe(78);
    expect(agent.lastLines()).toContain('NIXFLEET_BRANCH "a..b"');
  });
});

describe('the end of a demo', () => {
  it('also ends processes that outlive their agent: a switch on macOS, and what a crash left behind', async () => {
    const slow = { NIXFLEET_DEMO_SPEED: '0.05' };
    const ember = start('ember', slow);
    await ember.registered;
    dashboard.command('switch', 'c1');
    await dashboard.until('output', () => dashboard.lines('c1').length > 0 || undefined);
    await ember.stop();
    const atlas = start('atlas', slow);
    await atlas.registered;
    dashboard.command('switch', 'c2');
    await dashboard.until('output', () => dashboard.lines('c2').length > 0 || undefined);
    // An agent that crashes while it is being stopped is not restarted.
    const stopped = atlas.stop();
    atlas.process.kill('SIGKILL');
    await stopped;
    expect(processesOf(run).length).toBeGreaterThanOrEqual(1);
    expect(endProcessesOf(run)).toEqual([]);
    expect(processesOf(run)).toEqual([]);
  });
});
