/** nixfleet-root activates systems and goes back, with the real Nix. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileAppears, processEnds } from '../testing/host';
import { createNixos, hasNix, type TestNixos } from './testing/nixos';

describe.skipIf(!hasNix)('nixfleet-root activate (skipped without Nix)', () => {
  let nixos: TestNixos;
  beforeEach(() => {
    nixos = createNixos();
  });
  afterEach(() => nixos.remove());
  const system = (version: number) => nixos.system(version);

  it('test: activates without touching profile and boot entry, and keeps output, result and exit code', async () => {
    const started = nixos.ok('activate', 'op-1', 'test', system(2));
    expect(started).toEqual({
      unit: 'nixfleet-activate-op-1.service',
      folder: join(nixos.stateDir, 'op-1'),
      output: join(nixos.stateDir, 'op-1', 'output'),
      result: join(nixos.stateDir, 'op-1', 'result'),
    });
    await fileAppears(started['result'] ?? '');
    expect(nixos.running()).toBe(system(2));
    expect(nixos.generation()).toBe(1);
    expect(nixos.bootDefault()).toBe('');
    expect(readFileSync(started['output'] ?? '', 'utf8')).toBe('activating the configuration...\n');
    await expect.poll(() => nixos.ok('status', 'op-1')['SubState']).toBe('exited');
    const status = nixos.ok('status', 'op-1');
    expect(status).toMatchObject({
      job: 'ended',
      timer: 'none',
      ExecMainStatus: '0',
      'request.action': 'test',
      'request.target': system(2),
      'result.exit': '0',
      'result.stopped': 'no',
      'result.profile': 'kept',
      'result.generation': '1',
      'result.running': system(2),
      'result.boot_id': readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    });
    // The group may read, nobody else.
    for (const [name, mode] of [
      ['', 0o2750],
      ['output', 0o640],
      ['request', 0o640],
      ['result', 0o640],
    ] as const)
      expect(statSync(join(nixos.stateDir, 'op-1', name)).mode & 0o7777, name).toBe(mode);
  });

  it('switch: sets the profile before the activation', async () => {
    const status = await nixos.job('activate', 'a', 'switch', system(3));
    expect(status).toMatchObject({ 'result.exit': '0', 'result.profile': 'set', 'result.generation_before': '1' });
    expect(nixos.running()).toBe(system(3));
    expect(nixos.bootDefault()).toBe(system(3));
    const calls = nixos.calls().map((call) => call.split(' ').slice(0, 4).join(' '));
    expect(calls).toEqual([
      'systemd-run nixfleet-activate-a',
      `nix-env -p ${nixos.profile} --set`,
      expect.stringContaining(`switch ${system(3)}`),
    ]);
  });

  it('boot: sets profile and boot entry, and makes no generation if the profile has the system already', async () => {
    await nixos.job('activate', 'a', 'boot', system(1));
    expect(nixos.generations()).toEqual([1, 2, 3]);
    expect(nixos.running()).toBe(system(1));
    const status = await nixos.job('activate', 'b', 'boot', system(2));
    expect(status).toMatchObject({ 'result.profile': 'set', 'result.running': system(1) });
    expect(nixos.bootDefault()).toBe(system(2));
  });

  it.each([
    [4, 'set', 2],
    [2, 'set', 2],
    [100, 'set', 1],
    [1, 'restored', 1],
    [11, 'restored', 1],
  ])('switch that ends with %i: the profile is %s, system %i runs', async (code, profile, running) => {
    nixos.ends(code);
    const status = await nixos.job('activate', 'a', 'switch', system(2));
    expect(status).toMatchObject({ 'result.exit': String(code), 'result.profile': profile });
    expect(nixos.running()).toBe(system(running));
    expect(nixos.generation() === 1).toBe(profile === 'restored');
    await expect.poll(() => nixos.ok('status', 'a')['ExecMainStatus']).toBe(String(code));
    // A unit that counts as failed would be an additional failure of every later check.
    expect(nixos.ok('status', 'a')['ActiveState']).toBe('active');
  });

  it('test that fails leaves the profile alone', async () => {
    nixos.ends(1);
    const status = await nixos.job('activate', 'a', 'test', system(2));
    expect(status).toMatchObject({ 'result.exit': '1', 'result.profile': 'kept', 'result.running': system(1) });
    expect(nixos.calls().filter((call) => call.startsWith('nix-env'))).toEqual([]);
  });

  it('boot that fails sets the profile back, also if the system runs already', async () => {
    await nixos.job('activate', 'a', 'test', system(2));
    nixos.ends(1);
    const status = await nixos.job('activate', 'b', 'boot', system(2));
    expect(status).toMatchObject({ 'result.exit': '1', 'result.profile': 'restored', 'result.generation': '1' });
  });

  it('a profile that can’t be set: nothing is activated', async () => {
    nixos.program('nix-env', 'echo "error: disk full" >&2; exit 1');
    const status = await nixos.job('activate', 'a', 'switch', system(2));
    expect(status).toMatchObject({ 'result.exit': '1', 'result.profile': 'kept', 'result.running': system(1) });
    expect(readFileSync(join(nixos.stateDir, 'a', 'output'), 'utf8')).toBe('error: disk full\n');
  });

  it('refuses a second activation, of its own, of nixos-rebuild, or by the lock alone', async () => {
    nixos.hangs(system(2));
    nixos.ok('activate', 'a', 'test', system(2));
    expect(nixos.run(['activate', 'b', 'test', system(3)])).toMatchObject({
      code: 73,
      stdout: '',
      stderr: 'nixfleet-root: Another activation or task is running: nixfleet-activate-a.service.\n',
    });
    expect(nixos.run(['optimise', 'c']).code).toBe(73);
    expect(nixos.run(['reboot']).code).toBe(73);
    nixos.ok('stop', 'a');

    const unit = nixos.path('units', 'nixos-rebuild-switch-to-configuration.service');
    mkdirSync(unit);
    writeFileSync(join(unit, 'active'), 'active');
    writeFileSync(join(unit, 'sub'), 'running');
    expect(nixos.run(['activate', 'd', 'test', system(3)]).code).toBe(73);
    writeFileSync(join(unit, 'sub'), 'exited');

    const holder = spawn('flock', [nixos.path('stc', 'lock'), 'sh', '-c', 'echo locked; cat']);
    await once(holder.stdout, 'data');
    expect(nixos.run(['activate', 'e', 'test', system(3)])).toMatchObject({
      code: 73,
      stderr: 'nixfleet-root: Another activation is running: it holds the lock of switch-to-configuration.\n',
    });
    holder.stdin.end();
    await once(holder, 'close');
    // A refused ID was not used.
    await nixos.job('activate', 'e', 'test', system(3));
    expect(nixos.running()).toBe(system(3));
    expect(nixos.run(['activate', 'e', 'test', system(2)])).toMatchObject({
      code: 73,
      stderr: 'nixfleet-root: The ID was used before.\n',
    });
  });

  it('stop ends a hung activation and leaves a result; forget removes all of it', async () => {
    nixos.hangs(system(2));
    nixos.ok('activate', 'a', 'switch', system(2));
    await fileAppears(nixos.path('stc', 'hangs'));
    expect(nixos.bootDefault()).toBe(system(2));
    expect(nixos.ok('status', 'a')).toMatchObject({ job: 'running', SubState: 'running' });
    expect(nixos.run(['forget', 'a']).code).toBe(73);
    expect(nixos.ok('stop', 'a')).toEqual({ stopped: 'yes' });
    expect(nixos.ok('status', 'a')).toMatchObject({
      job: 'ended',
      'result.exit': '143',
      'result.stopped': 'yes',
      'result.profile': 'restored',
      'result.generation': '1',
    });
    // What booted before boots again.
    expect(nixos.bootDefault()).toBe(system(1));
    expect(nixos.ok('stop', 'a')).toEqual({ stopped: 'no' });
    expect(nixos.roots()).toEqual(['op-a-program', 'op-a-target']);
    nixos.ok('forget', 'a');
    expect(nixos.roots()).toEqual([]);
    expect(existsSync(join(nixos.stateDir, 'a'))).toBe(false);
    expect(nixos.run(['status', 'a']).code).toBe(66);
    nixos.hangs(null);
    await nixos.job('activate', 'a', 'test', system(2));
  });

  it('stop before the activation: it does not start, and the profile is set back', async () => {
    const real = readFileSync(nixos.path('tools', 'nix-env'), 'utf8');
    const released = nixos.path('released');
    nixos.program('nix-env', `: >"${nixos.path('setting')}"; until [[ -e ${released} ]]; do sleep 0.02; done\n${real}`);
    nixos.ok('activate', 'a', 'switch', system(2));
    await fileAppears(nixos.path('setting'));
    const stop = spawn(nixos.helper, ['stop', 'a'], { stdio: 'ignore' });
    const stopped = once(stop, 'close');
    await fileAppears(nixos.path('signalled'));
    writeFileSync(released, '');
    await stopped;
    expect(nixos.ok('status', 'a')).toMatchObject({
      'result.exit': '143',
      'result.stopped': 'yes',
      'result.profile': 'restored',
      'result.generation': '1',
      'result.running': system(1),
    });
    expect(nixos.calls().filter((call) => call.startsWith('switch '))).toEqual([]);
  });

  it('is not begun, and can be forgotten, where the call was killed before systemd started the unit', () => {
    nixos.program('systemd-run', 'kill -KILL "$PPID"; exit 1');
    expect(nixos.run(['activate', 'a', 'switch', system(2)]).code).toBe(null);
    expect(nixos.ok('status', 'a')).toMatchObject({ job: 'none', 'request.action': 'switch' });
    // After a restart of the host nothing is certain: a power cut may have lost the mark.
    const request = join(nixos.stateDir, 'a', 'request');
    writeFileSync(request, readFileSync(request, 'utf8').replace(/^boot_id=.*$/m, 'boot_id=another'));
    expect(nixos.ok('status', 'a')).toMatchObject({ job: 'lost' });
    nixos.ok('forget', 'a');
    expect([nixos.roots(), nixos.generation(), nixos.running()]).toEqual([[], 1, system(1)]);
  });

  it('a killed unit is lost, not ended', async () => {
    nixos.hangs(system(2));
    nixos.ok('activate', 'a', 'test', system(2));
    await fileAppears(nixos.path('stc', 'hangs'));
    const pid = Number(readFileSync(nixos.path('units', 'nixfleet-activate-a.service', 'pid'), 'utf8'));
    spawnSync(nixos.path('tools', 'systemd-kill'), ['nixfleet-activate-a.service']);
    await processEnds(pid);
    await expect.poll(() => nixos.ok('status', 'a')['job']).toBe('lost');
    expect(nixos.ok('status', 'a')).toMatchObject({ ActiveState: 'failed', ExecMainStatus: '137' });
    nixos.ok('forget', 'a');
    nixos.hangs(null);
    await nixos.job('activate', 'a', 'test', system(2));
  });

  it('the garbage collector keeps the system of an operation, and its own program', () => {
    const other = nixos.build('nixos-system-h1-26', `cp -r ${system(1)} $out`);
    nixos.hangs(other);
    nixos.ok('activate', 'a', 'test', other);
    nixos.nix('nix-store', '--gc');
    expect(existsSync(other)).toBe(true);
    nixos.ok('stop', 'a');
    nixos.ok('forget', 'a');
    nixos.nix('nix-store', '--gc');
    expect(existsSync(other)).toBe(false);
  });

  it('says when systemd does not answer', () => {
    writeFileSync(nixos.path('systemd-fails'), '');
    const end = nixos.run(['activate', 'a', 'test', system(2)]);
    expect(end).toMatchObject({ code: 70, stdout: '' });
    // After systemd's own message.
    expect(end.stderr).toMatch(/^Failed to connect to bus: .*\nnixfleet-root: systemd does not answer\.\n$/);
  });

  it('dry-activate passes output and exit code on, and starts no unit', () => {
    expect(nixos.run(['dry-activate', system(2)])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'would restart the following units: a.service\n',
    });
    nixos.ends(1);
    expect(nixos.run(['dry-activate', system(2)]).code).toBe(1);
    expect(nixos.calls().filter((call) => call.startsWith('systemd'))).toEqual([]);
    expect(existsSync(nixos.stateDir)).toBe(false);
  });

  it('go switches to a generation with its own script, boot entry included, and makes no new generation', async () => {
    const status = await nixos.job('go', 'a', '3');
    expect(status).toMatchObject({ 'result.exit': '0', 'result.generation': '3', 'result.running': system(3) });
    expect(nixos.generations()).toEqual([1, 2, 3]);
    expect(nixos.bootDefault()).toBe(system(3));
    expect(nixos.calls().at(-1)).toContain(`switch ${system(3)}`);
    nixos.ends(1);
    expect(await nixos.job('go', 'b', '2')).toMatchObject({ 'result.profile': 'restored', 'result.generation': '3' });
    expect(nixos.run(['go', 'c', '9'])).toMatchObject({
      code: 65,
      stderr: 'nixfleet-root: There is no generation 9.\n',
    });
  });
});
