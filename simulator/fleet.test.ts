import { afterEach, expect, it } from 'vitest';
import { startTestDashboard, TEST_TOKEN } from '@/agent/testing/dashboard';
import { SimulatedFleet, type SimulatedFleetOptions } from './fleet';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function fleetOf(options: Partial<SimulatedFleetOptions> = {}): SimulatedFleet {
  const fleet = new SimulatedFleet({ url: 'ws://127.0.0.1:1/ws', token: TEST_TOKEN, hosts: 40, ...options });
  closers.push(() => fleet.close());
  return fleet;
}

it('registers every host under a unique name, and reconnects after a storm', async () => {
  const dashboard = await startTestDashboard();
  closers.push(() => dashboard.stop());
  const fleet = fleetOf({ url: dashboard.url, intervalMs: 3_600_000 });
  const all = fleet.whenRegistered();
  await fleet.connect();
  await all;
  expect(fleet.registeredCount).toBe(40);
  const registers = dashboard.all('register').map(({ payload }) => payload);
  expect(new Set(registers.map(({ hostname }) => hostname)).size).toBe(40);
  expect(new Set(registers.map(({ protocol }) => protocol))).toEqual(new Set([2, 3]));
  expect(new Set(registers.map(({ agent_version }) => agent_version))).toEqual(new Set(['3.1.5', '4.1.0']));
  expect(new Set(registers.map(({ host_type }) => host_type))).toEqual(new Set(['nixos', 'macos']));
  expect(new Set(registers.map(({ location }) => location)).size).toBeGreaterThan(1);

  await fleet.dropAll();
  expect(fleet.registeredCount).toBe(0);
  expect(await fleet.reconnect()).toBeGreaterThan(0);
  expect(fleet.registeredCount).toBe(40);
  await dashboard.until('all registers', () => dashboard.all('register').length === 80 || undefined);
  expect(dashboard.malformed).toEqual([]);
});

it('makes the same fleet from the same seed, and a different fleet from a different seed', () => {
  const shape = (seed: number) => fleetOf({ seed }).agents.map(({ hostname, facts }) => ({ hostname, ...facts }));
  expect(shape(7)).toEqual(shape(7));
  expect(shape(7)).not.toEqual(shape(8));
});

it('connects no faster than its rate', async () => {
  const dashboard = await startTestDashboard();
  closers.push(() => dashboard.stop());
  const fleet = fleetOf({ url: dashboard.url, dialsPerS: 100 });
  const from = performance.now();
  await fleet.connect();
  // 40 hosts at 100 a second: seven pauses of 50 ms between eight portions.
  expect(performance.now() - from).toBeGreaterThan(300);
  await fleet.whenRegistered();
});

it.each([
  [{ hosts: 0 }, '1 to 4000'],
  [{ hosts: 5_000 }, '1 to 4000'],
  [{ dialsPerS: 0 }, 'connections per second'],
])('refuses %j', (options, problem) => {
  expect(() => fleetOf(options)).toThrow(problem);
});
