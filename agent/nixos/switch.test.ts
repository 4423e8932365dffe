/** The switch in the agent's own steps, with the real agent, the real Nix and the real nixfleet-root. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUILD_OOM_SCORE } from '../oom-score';
import { hasNix } from '../root-helper/testing/nixos';
import { fileAppears } from '../testing/host';
import { useNixosBench, type NixosBench } from './testing/nixos-bench';

describe.skipIf(!hasNix)('a switch in own steps (skipped without Nix)', () => {
  let bench: NixosBench;
  useNixosBench((made) => (bench = made));

  it('builds as the agent’s user, activates in a unit of its own, and restarts the agent', async () => {
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

  it('has nothing to do where the system runs and is the system of the next boot', async () => {
    bench.configure({ version: '2' });
    await bench.run(await bench.start(), 'switch', 'first');
    bench.nixos.forgetCalls();
    bench.dashboard.command('switch', 'again');
    expect(await bench.dashboard.result('again')).toMatchObject({
      status: 'ok',
      restarting: false,
      message: 'Nothing to do: this system runs already',
    });
    expect(bench.changes()).toEqual([]);
  });

  it('enters a system that was only tested by hand for the next boot', async () => {
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

  it('is stopped at once while it builds', async () => {
    bench.configure({ version: '2', slow: true });
    await bench.start();
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('building'));
    bench.dashboard.command('stop', 'st', { target: 'sw' });
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'stopped', exit_code: 130 });
    expect(await bench.dashboard.result('st')).toMatchObject({ status: 'ok' });
    expect(bench.changes()).toEqual([]);
  });

  it('is not stopped while it activates, says so, and ends half-way when it is killed', async () => {
    bench.configure({ version: '2' });
    await bench.start();
    bench.nixos.hangs('any');
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('stc', 'hangs'));
    bench.dashboard.command('stop', 'st', { target: 'sw' });
    const refused = await bench.dashboard.result('st');
    expect(refused).toMatchObject({ status: 'error' });
    expect(refused.message).toContain('can’t be stopped cleanly');
    bench.dashboard.send('kill_command', { pid: 0, signal: 'SIGKILL' });
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'error',
      message: 'the activation was stopped half-way: parts of the system may have changed',
    });
  });

  it('calls nixos-rebuild where there is no nixfleet-root, and says so', async () => {
    bench.host.program('nixos-rebuild', 'echo "called nixos-rebuild $*"');
    const agent = await bench.start({ NIXFLEET_ROOT_HELPER: bench.nixos.path('no-such-program') });
    const register = await bench.dashboard.frame('register');
    expect(register.capabilities).not.toContain('activation');
    expect(agent.log()).toContain('switches are made by nixos-rebuild');
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

describe.skipIf(!hasNix)('a switch that its agent does not survive (skipped without Nix)', () => {
  let bench: NixosBench;
  useNixosBench((made) => (bench = made));

  it('is reported with its whole output and its true result by the next agent', async () => {
    bench.configure({ version: '2' });
    const agent = await bench.start();
    bench.nixos.waits();
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('stc', 'waits'));
    agent.child.kill('SIGKILL');
    await agent.exit;
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    await bench.start();
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', exit_code: 0 });
    const output = bench.output('sw');
    expect(output.filter((line) => line === 'activating the configuration...')).toHaveLength(1);
    expect(output).toContain(
      '✅ Switch completed: the system is built from ' + bench.host.git(['rev-parse', '--short=7', 'HEAD']),
    );
    // Removed once the result is saved.
    const file = `${bench.host.stateDir}/activation.json`;
    await expect.poll(() => existsSync(file), { timeout: 20_000 }).toBe(false);
  });

  it('is reported by the next agent when it ended in between', async () => {
    bench.configure({ version: '2' });
    const agent = await bench.start();
    bench.nixos.waits();
    bench.nixos.ends(4);
    bench.failedUnits('before.service');
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('stc', 'waits'));
    agent.child.kill('SIGKILL');
    await agent.exit;
    bench.failedUnits('before.service', 'a.service');
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    await fileAppears(`${bench.nixos.stateDir}/csw/result`);
    await bench.start();
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'warning',
      exit_code: 4,
      message: 'Switched, but unit a.service failed',
    });
  });

  it('is reported from its files where nixfleet-root does not answer any more', async () => {
    bench.configure({ version: '2' });
    const agent = await bench.start();
    bench.nixos.waits();
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('stc', 'waits'));
    agent.child.kill('SIGKILL');
    await agent.exit;
    // As after a switch to a system without the rule of sudo.
    bench.host.program('sudo', 'echo "sudo: a password is required" >&2; exit 1');
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    await bench.start();
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', exit_code: 0 });
    expect(bench.output('sw').filter((line) => line === 'activating the configuration...')).toHaveLength(1);
  });

  it('is lost, not done, when its unit was killed as well', async () => {
    bench.configure({ version: '2' });
    const agent = await bench.start();
    bench.nixos.waits();
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('stc', 'waits'));
    agent.child.kill('SIGKILL');
    await agent.exit;
    bench.nixos.killUnit('nixfleet-activate-csw.service');
    await bench.start();
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'error',
      exit_code: 137,
      message: 'the activation was killed half-way: parts of the system may have changed',
    });
  });

  it('leaves nothing behind when the agent is killed before it tidied up', async () => {
    bench.configure({ version: '2' });
    const agent = await bench.start();
    const waits = `[ "$1" = -n ] && shift\ncase "$2" in forget) touch ${bench.nixos.path('forgets')}; exec sleep 1000;; esac`;
    bench.host.program('sudo', `${waits}\nexec "$@"`);
    bench.dashboard.command('switch', 'sw');
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
    await fileAppears(bench.nixos.path('forgets'));
    agent.child.kill('SIGKILL');
    await agent.exit;
    bench.host.program('sudo', '[ "$1" = -n ] && shift\nexec "$@"');
    await bench.start();
    expect(existsSync(`${bench.host.stateDir}/activation.json`)).toBe(false);
    expect([existsSync(`${bench.nixos.stateDir}/csw`), bench.nixos.roots()]).toEqual([false, []]);
  });

  it('changed nothing when the agent was killed before it began', async () => {
    bench.configure({ version: '2' });
    const before = bench.nixos.running();
    const agent = await bench.start();
    // nixfleet-root is called and does not answer.
    bench.host.program(
      'sudo',
      `[ "$1" = -n ] && shift\ncase "$2" in activate) touch ${bench.nixos.path('called')}; exec sleep 1000;; esac\nexec "$@"`,
    );
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('called'));
    agent.child.kill('SIGKILL');
    await agent.exit;
    await bench.start();
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'error',
      message: 'the agent ended before the activation began: nothing has changed',
    });
    expect(bench.nixos.running()).toBe(before);
  });

  it('goes on when the agent is stopped by its service manager', async () => {
    bench.configure({ version: '2' });
    const agent = await bench.start();
    bench.nixos.waits();
    bench.dashboard.command('pull-switch', 'ps');
    await fileAppears(bench.nixos.path('stc', 'waits'));
    agent.child.kill('SIGTERM');
    expect(await agent.exit).toEqual({ code: 0, signal: null });
    expect(
      bench.dashboard.received.some(({ frame }) => frame.type === 'status' && frame.payload.command_id === 'ps'),
    ).toBe(false);
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    await bench.start();
    expect(await bench.dashboard.result('ps')).toMatchObject({ status: 'ok' });
  });
});

describe.skipIf(!hasNix)('a rollback in own steps (skipped without Nix)', () => {
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
