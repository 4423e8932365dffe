/** The switch in the agent's own steps, with the real agent, the real Nix and the real nixfleet-root. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUILD_OOM_SCORE } from '../oom-score';
import { hasNix } from '../root-helper/testing/nixos';
import { fileAppears } from '../testing/host';
import { useNixosBench, type NixosBench } from './testing/nixos-bench';

describe.skipIf(!hasNix)('a switch in separate steps (skipped without Nix)', () => {
  let bench: NixosBench;
  useNixosBench((made) => (bench = made));

  it('builds as the agent’s user, activates in a separate unit, and restarts the agent', async () => {
    const commit = bench.configure({ version: '2' });
    const agent = await bench.start();
    expect(await bench.dashboard.frame('register')).toMatchObject({
      capabilities: expect.arrayContaining(['switch', 'activation']) as unknown,
    });
    bench.dashboard.command('switch', 'sw');
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', exit_code: 0, restarting: true });
    expect(await agent.exit).toEqual({ code: 101, signal: null });
    const running = bench.nixos.running();
    expect(readFileSync(`${running}/nixos-version`, 'utf8')).toBe('2\n');
    expect([bench.nixos.bootDefault(), bench.nixos.generation()]).toEqual([running, 2]);
    const output = bench.output('sw');
    expect(output).toContain('library> compiling');
    expect(output).toContain('activating the configuration...');
    expect(output.at(-2)).toBe(`✅ Switch completed: the system is built from ${commit.slice(0, 7)}`);
    expect(readFileSync(bench.nixos.path('build-oom-score'), 'utf8')).toBe(`${BUILD_OOM_SCORE}\n`);
    // Nothing of it is left behind.
    expect(existsSync(`${bench.host.stateDir}/activation.json`)).toBe(false);
    expect(bench.nixos.roots()).toEqual([]);
    const progress = bench.dashboard.received.flatMap(({ frame }) =>
      frame.type === 'operation_progress' ? [frame.payload.progress['build']] : [],
    );
    expect(progress).toContainEqual({ current: 2, total: 2, status: 'complete' });
  });

  it('does nothing when the system already runs and is the boot default', async () => {
    bench.configure({ version: '2' });
    await bench.run(await bench.start(), 'switch', 'first');
    bench.nixos.forgetCalls();
    bench.dashboard.command('switch', 'again');
    expect(await bench.dashboard.result('again')).toMatchObject({
      status: 'ok',
      restarting: false,
      message: 'Nothing to do: this system is already running',
    });
    expect(bench.changes()).toEqual([]);
  });

  it('sets the boot entry for a system that was only tested by hand', async () => {
    bench.configure({ version: '2' });
    await bench.run(await bench.start(), 'switch', 'first');
    bench.nixos.nix('nix-env', '-p', bench.nixos.profile, '--switch-generation', '1');
    bench.dashboard.command('switch', 'again');
    expect(await bench.dashboard.result('again')).toMatchObject({ status: 'ok' });
    expect(bench.nixos.generation()).toBe(2);
    expect(bench.nixos.calls().some((call) => call.startsWith('boot '))).toBe(true);
  });

  it('that can’t be built changes nothing, and names the cause', async () => {
    bench.configure({ version: '2', fails: true });
    const before = bench.nixos.running();
    await bench.start();
    bench.dashboard.command('switch', 'sw');
    const result = await bench.dashboard.result('sw');
    expect(result).toMatchObject({ status: 'error', restarting: false });
    expect(result.message).toContain('nix build failed with exit code 1: library-2 failed');
    expect(result.message).toContain('missing.h');
    expect([bench.nixos.running(), bench.changes()]).toEqual([before, []]);
  });

  it.each([
    [4, 'warning', true, 'Switched, but unit a.service failed'],
    [2, 'warning', true, 'Switched, but switch-to-configuration failed with exit code 2'],
    [1, 'error', false, "Pre-switch check 'switchInhibitors' failed"],
    [11, 'error', false, 'another switch is running on this host'],
    [100, 'warning', false, 'Only a restart can activate this system. It takes effect at the next boot'],
  ] as const)('whose activation ends with %i is judged by what runs', async (code, status, isActive, message) => {
    bench.configure({ version: '2' });
    const before = bench.nixos.running();
    await bench.start();
    bench.nixos.ends(code);
    bench.dashboard.command('switch', 'sw');
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status,
      exit_code: code,
      restarting: isActive,
      message,
    });
    expect(bench.nixos.running() !== before).toBe(isActive);
    expect(bench.nixos.generation()).toBe(isActive || code === 100 ? 2 : 1);
  });

  it('names the units that fail now and did not before, with their last lines', async () => {
    bench.configure({ version: '2' });
    await bench.start();
    bench.failedUnits('old.service');
    bench.nixos.ends(4);
    bench.dashboard.command('switch', 'sw');
    await fileAppears(`${bench.host.stateDir}/activation.json`);
    bench.failedUnits('old.service', 'new.service');
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'warning',
      message: 'Switched, but unit new.service failed',
    });
    expect(bench.output('sw')).toContain('  the last words of new.service');
  });

  it('succeeds where only units fail that failed before', async () => {
    bench.configure({ version: '2' });
    await bench.start();
    bench.failedUnits('a.service');
    bench.nixos.ends(4);
    bench.dashboard.command('switch', 'sw');
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', restarting: true });
  });

  it('is refused before anything changes where an inhibitor differs', async () => {
    bench.configure({ version: '2', inhibitors: { 'dbus-implementation': 'dbus' } });
    await bench.run(await bench.start(), 'switch', 'first');
    bench.configure({ version: '3', inhibitors: { 'dbus-implementation': 'broker', 'only-here': 'x' } });
    bench.nixos.forgetCalls();
    bench.dashboard.command('pull-switch', 'sw');
    const { message } = await bench.dashboard.result('sw');
    expect(message).toContain('dbus-implementation : dbus -> broker');
    expect(message).not.toContain('only-here');
    expect(bench.changes()).toEqual([]);
  });

  it('calls nixos-rebuild where there is no nixfleet-root, and says so', async () => {
    bench.host.program('nixos-rebuild', 'echo "called nixos-rebuild $*"');
    const agent = await bench.start({ NIXFLEET_ROOT_HELPER: bench.nixos.path('no-such-program') });
    const register = await bench.dashboard.frame('register');
    expect(register.capabilities).not.toContain('activation');
    expect(agent.log()).toContain('switches use nixos-rebuild');
    bench.dashboard.command('switch', 'sw');
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
    expect(bench.output('sw').join('\n')).toContain('called nixos-rebuild switch --flake');
  });
});

describe.skipIf(!hasNix)('a switch at the next boot (skipped without Nix)', () => {
  let bench: NixosBench;
  useNixosBench((made) => (bench = made));

  it('changes profile and boot entry, and nothing that runs', async () => {
    const before = bench.nixos.running();
    bench.configure({ version: '2', inhibitors: { 'dbus-implementation': 'broker' } });
    await bench.start();
    bench.dashboard.command('boot', 'bt');
    expect(await bench.dashboard.result('bt')).toMatchObject({
      status: 'ok',
      restarting: false,
      message: 'Takes effect at the next boot',
    });
    expect([bench.nixos.running(), bench.nixos.generation()]).toEqual([before, 2]);
    expect(readFileSync(`${bench.nixos.bootDefault()}/nixos-version`, 'utf8')).toBe('2\n');
    await bench.dashboard.frame('heartbeat', ({ update_status: status }) => status?.system.status === 'outdated');
    bench.nixos.forgetCalls();
    bench.dashboard.command('boot', 'again');
    expect(await bench.dashboard.result('again')).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('Nothing to do') as string,
    });
    expect(bench.changes()).toEqual([]);
  });
});

describe.skipIf(!hasNix)('a rollback in separate steps (skipped without Nix)', () => {
  let bench: NixosBench;
  useNixosBench((made) => (bench = made));

  it('switches to the generation before, with that system’s own script and its boot entry', async () => {
    const first = bench.nixos.running();
    bench.configure({ version: '2' });
    await bench.run(await bench.start(), 'switch', 'sw');
    bench.nixos.forgetCalls();
    bench.dashboard.command('rollback', 'rb');
    expect(await bench.dashboard.result('rb')).toMatchObject({ status: 'ok' });
    expect([bench.nixos.running(), bench.nixos.bootDefault(), bench.nixos.generation()]).toEqual([first, first, 1]);
    expect(bench.nixos.calls().join('\n')).toContain(`switch ${first}`);
  });

  it('at the oldest generation fails and changes nothing', async () => {
    await bench.start();
    bench.dashboard.command('rollback', 'rb');
    expect(await bench.dashboard.result('rb')).toMatchObject({
      status: 'error',
      message: 'there is no previous generation',
    });
    expect(bench.changes()).toEqual([]);
  });
});
