/** `npm run agent` restarts the agent as systemd does on a host. */
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureAgent } from '../scripts/build-agent.mjs';
import { startTestDashboard, type TestDashboard } from './testing/dashboard';
import { createHost, processEnds, type TestHost } from './testing/host';

const launcher = fileURLToPath(new URL('../scripts/launch.mjs', import.meta.url));
let host: TestHost;
let dashboard: TestDashboard;

beforeEach(async () => {
  await ensureAgent();
  host = createHost();
  dashboard = await startTestDashboard();
});
afterEach(async () => {
  await host.remove();
  await dashboard.stop();
});

it('restarts the agent after a switch and after a crash, and leaves no process behind at the end', async () => {
  const agent = host.start(launcher, dashboard.url, { NIXFLEET_RESTART_SEC: '0.05' }, ['agent']);
  await dashboard.frame('heartbeat');
  host.program('nixos-rebuild', 'echo built');
  dashboard.command('switch', 'sw');
  await dashboard.until('a second registration', () => dashboard.all('register').length === 2);
  process.kill(agentPid(), 'SIGKILL');
  const third = await dashboard.until('a third registration', () => dashboard.all('register')[2]);
  expect(new Set(dashboard.all('register').map(({ payload }) => payload.instance)).size).toBe(3);
  expect(third.payload.finished).toEqual([]);
  const last = agentPid();
  agent.child.kill('SIGINT');
  expect(await agent.exit).toEqual({ code: 0, signal: null });
  await processEnds(last);
  expect(dashboard.all('register')).toHaveLength(3);
});

it('does not restart an agent with a wrong configuration, and passes options on', async () => {
  const wrong = host.start(launcher, dashboard.url, { NIXFLEET_INTERVAL: 'often' }, ['agent']);
  expect(await wrong.exit).toEqual({ code: 78, signal: null });
  expect(wrong.log()).toContain('NIXFLEET_INTERVAL "often"');
  const version = host.start(launcher, dashboard.url, {}, ['agent', '--version']);
  expect(await version.exit).toEqual({ code: 0, signal: null });
  expect(version.stdout()).toMatch(/^nixfleet-agent \d/);
});

it('the bundle is one file that runs without its sources', async () => {
  const copy = host.path('alone.mjs');
  const bundle = await ensureAgent();
  copyFileSync(bundle, copy);
  const version = host.start(copy, dashboard.url, {}, ['--check']);
  expect(await version.exit).toEqual({ code: 0, signal: null });
});

function agentPid(): number {
  const owner = JSON.parse(readFileSync(join(host.stateDir, 'agent.pid'), 'utf8')) as { pid: number };
  return owner.pid;
}
