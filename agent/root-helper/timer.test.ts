/** The timer of nixfleet-root goes back to the previous system, unless it is disarmed in time: exactly one of both happens. */
import { mkdirSync, readFileSync, renameSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileAppears } from '../testing/host';
import { createNixos, hasNix, type TestNixos } from './testing/nixos';

describe.skipIf(!hasNix)('nixfleet-root arm and disarm (skipped without Nix)', () => {
  let nixos: TestNixos;
  beforeEach(() => {
    nixos = createNixos();
  });
  afterEach(() => nixos.remove());
  const system = (version: number) => nixos.system(version);
  const backEnds = (id: string) => fileAppears(join(nixos.stateDir, id, 'back-result'));
  const timers = () => readdirSync(nixos.path('units')).filter((name) => name.endsWith('.timer'));

  it('goes back to the old system without its checks when the time is over', async () => {
    expect(nixos.ok('arm', 'a', '600', system(1))).toEqual({
      timer: 'armed',
      seconds: '600',
      unit: 'nixfleet-back-a.1.timer',
      folder: join(nixos.stateDir, 'a'),
    });
    expect(nixos.roots()).toEqual(['op-a-old', 'op-a-program']);
    await nixos.job('activate', 'a', 'test', system(2));
    expect(nixos.ok('status', 'a')).toMatchObject({ job: 'ended', timer: 'armed', 'armed.old': system(1) });
    expect(nixos.run(['forget', 'a']).code).toBe(73);
    nixos.elapse('a');
    await backEnds('a');
    expect(nixos.running()).toBe(system(1));
    expect(nixos.generation()).toBe(1);
    expect(nixos.bootDefault()).toBe('');
    expect(nixos.ok('status', 'a')).toMatchObject({
      timer: 'fired',
      'back-result.exit': '0',
      'back-result.stopped_units': '',
      'back-result.profile': 'kept',
      'back-result.running': system(1),
    });
    expect(nixos.calls().at(-1)).toMatch(new RegExp(`^test ${system(1)} .*NIXOS_NO_CHECK`));
    expect(nixos.run(['disarm', 'a'])).toMatchObject({ code: 75, stdout: '' });
    expect(nixos.run(['arm', 'a', '600', system(1)]).code).toBe(75);
    nixos.ok('forget', 'a');
    expect(nixos.roots()).toEqual([]);
    expect(readdirSync(nixos.path('units'))).toEqual([]);
  });

  it('does nothing after it was disarmed, even if the timer elapses at that moment', async () => {
    nixos.ok('arm', 'a', '600', system(1));
    await nixos.job('activate', 'a', 'test', system(2));
    // systemd has queued the unit, and can't take that back.
    const command = readFileSync(nixos.path('units', 'nixfleet-back-a.1.service', 'command'));
    expect(nixos.ok('disarm', 'a')).toEqual({ timer: 'disarmed' });
    expect(timers()).toEqual([]);
    writeFileSync(nixos.path('cgroup'), '0::/system.slice/nixfleet-back-a.1.service\n');
    expect(command.toString().split('\0').slice(1, 3)).toEqual(['back', 'a']);
    expect(nixos.run(['back', 'a'])).toMatchObject({ code: 0, stdout: '' });
    expect(nixos.running()).toBe(system(2));
    // It may be repeated: the answer may have been lost.
    expect(nixos.ok('disarm', 'a')).toEqual({ timer: 'disarmed' });
    expect(nixos.ok('status', 'a')['timer']).toBe('disarmed');
    expect(nixos.roots()).toEqual(['op-a-program', 'op-a-target']);
    expect(nixos.run(['arm', 'a', '600', system(1)]).code).toBe(75);
  });

  it('goes back once, even if two of its timers elapse', async () => {
    nixos.ok('arm', 'a', '600', system(1));
    await nixos.job('activate', 'a', 'test', system(2));
    nixos.elapse('a');
    await backEnds('a');
    await nixos.job('activate', 'b', 'test', system(3));
    writeFileSync(nixos.path('cgroup'), '0::/system.slice/nixfleet-back-a.2.service\n');
    expect(nixos.run(['back', 'a']).code).toBe(0);
    expect(nixos.running()).toBe(system(3));
  });

  it('sets a new delay with a new timer before the old one ends', async () => {
    nixos.ok('arm', 'a', '900', system(1));
    await nixos.job('activate', 'a', 'switch', system(2));
    nixos.forgetCalls();
    expect(nixos.ok('arm', 'a', '180', system(1))['unit']).toBe('nixfleet-back-a.2.timer');
    expect(nixos.calls()).toEqual(['systemd-run nixfleet-back-a.2 180', 'systemctl stop']);
    expect(timers()).toEqual(['nixfleet-back-a.2.timer']);
    // The generation is the one of the first time, not the one that the switch has made.
    expect(nixos.ok('status', 'a')).toMatchObject({ timer: 'armed', 'armed.round': '2', 'armed.generation': '1' });
    expect(nixos.run(['arm', 'a', '180', system(2)])).toMatchObject({ code: 65 });
  });

  it('sets no new delay if the old one ends at that moment', () => {
    nixos.ok('arm', 'a', '900', system(1));
    mkdirSync(nixos.path('tools', 'real'));
    renameSync(nixos.path('tools', 'systemd-run'), nixos.path('tools', 'real', 'systemd-run'));
    const record = join(nixos.stateDir, 'a');
    nixos.program('systemd-run', `mv "${record}/armed" "${record}/fired"; exec "\${0%/*}/real/systemd-run" "$@"`);
    expect(nixos.run(['arm', 'a', '180', system(1)])).toMatchObject({
      code: 75,
      stdout: '',
      stderr: 'nixfleet-root: The timer has fired.\n',
    });
  });

  it('sets the profile back, and with it the boot entry, if it was moved', async () => {
    nixos.ok('arm', 'a', '600', system(1));
    await nixos.job('activate', 'a', 'switch', system(3));
    expect(nixos.bootDefault()).toBe(system(3));
    nixos.elapse('a');
    await backEnds('a');
    expect(nixos.ok('status', 'a')).toMatchObject({
      'back-result.exit': '0',
      'back-result.profile': 'restored',
      'back-result.generation': '1',
      'back-result.running': system(1),
    });
    expect(nixos.bootDefault()).toBe(system(1));
  });

  it('sets the profile back to what booted before, if another system ran', async () => {
    await nixos.job('activate', 'a', 'test', system(2));
    nixos.ok('arm', 'b', '600', system(2));
    await nixos.job('activate', 'b', 'switch', system(3));
    nixos.forgetCalls();
    nixos.elapse('b');
    await backEnds('b');
    expect(nixos.running()).toBe(system(2));
    expect(nixos.generation()).toBe(1);
    expect(nixos.bootDefault()).toBe(system(1));
    // The old system first: whoever waits for the host waits for that.
    expect(nixos.calls().map((call) => call.split(' ').slice(0, 2).join(' '))).toEqual([
      `test ${system(2)}`,
      'nix-env -p',
      `boot ${system(1)}`,
    ]);
  });

  it('stops an activation that hangs, and says which', async () => {
    nixos.ok('arm', 'a', '600', system(1));
    nixos.hangs(system(2));
    nixos.ok('activate', 'a', 'test', system(2));
    await fileAppears(nixos.path('stc', 'hangs'));
    nixos.elapse('a');
    await backEnds('a');
    expect(nixos.ok('status', 'a')).toMatchObject({
      job: 'ended',
      'result.stopped': 'yes',
      'back-result.exit': '0',
      'back-result.stopped_units': 'nixfleet-activate-a.service',
    });
    expect(nixos.running()).toBe(system(1));
  });

  it('uses the tools of the old system: those of the new one may be broken', async () => {
    nixos.ok('arm', 'a', '600', system(1));
    await nixos.job('activate', 'a', 'switch', system(2));
    nixos.program('nix-env', `echo "$PATH" >"${nixos.path('path-of-back')}"; exit 1`);
    nixos.elapse('a');
    await backEnds('a');
    const path = readFileSync(nixos.path('path-of-back'), 'utf8').trim().split(':');
    expect(path.at(-1)).toBe(`${system(1)}/sw/bin`);
    expect(path).not.toContain(`${nixos.path('current-system')}/sw/bin`);
    // The profile stays, and the old system is activated all the same.
    expect(nixos.ok('status', 'a')).toMatchObject({ 'back-result.exit': '0', 'back-result.profile': 'failed' });
    expect(nixos.running()).toBe(system(1));
  });

  it('tries again after a failure, and records the last exit code', async () => {
    nixos.ok('arm', 'a', '600', system(1));
    await nixos.job('activate', 'a', 'test', system(2));
    nixos.ends(1);
    nixos.elapse('a');
    await backEnds('a');
    expect(nixos.calls().filter((call) => call.startsWith(`test ${system(1)}`))).toHaveLength(3);
    expect(nixos.ok('status', 'a')).toMatchObject({
      timer: 'fired',
      'back-result.exit': '1',
      'back-result.running': system(2),
    });
    await expect
      .poll(() => readFileSync(nixos.path('units', 'nixfleet-back-a.1.service', 'active'), 'utf8'))
      .toBe('failed');
  });

  it('is lost, not disarmed, after a restart of the host', () => {
    nixos.ok('arm', 'a', '600', system(1));
    const record = join(nixos.stateDir, 'a', 'armed');
    writeFileSync(
      record,
      readFileSync(record, 'utf8').replace(/boot_id=.*/, 'boot_id=00000000-0000-0000-0000-000000000000'),
    );
    expect(nixos.ok('status', 'a')['timer']).toBe('lost');
    expect(nixos.run(['disarm', 'a']).code).toBe(75);
    nixos.ok('forget', 'a');
  });

  it('is armed although the unit of another one has written its result and has not exited yet', async () => {
    nixos.ok('arm', 'a', '600', system(1));
    nixos.elapse('a');
    await backEnds('a');
    await expect.poll(() => readdirSync(nixos.path('units'))).toEqual([]);
    // As systemd lists it in this moment.
    const unit = nixos.path('units', 'nixfleet-back-a.1.service');
    mkdirSync(unit);
    writeFileSync(join(unit, 'active'), 'active');
    writeFileSync(join(unit, 'sub'), 'running');
    writeFileSync(join(unit, 'pid'), String(2 ** 30));
    expect(nixos.ok('arm', 'b', '600', system(1))).toMatchObject({ timer: 'armed' });
    rmSync(unit, { recursive: true });
  });

  it('leaves no timer of an earlier round behind that would keep the next one from being armed', async () => {
    nixos.ok('arm', 'a', '600', system(1));
    nixos.ok('arm', 'a', '60', system(1));
    // The call was killed before it had stopped the first one.
    mkdirSync(nixos.path('units', 'nixfleet-back-a.1.timer'));
    for (const [name, value] of [
      ['active', 'active'],
      ['sub', 'waiting'],
    ] as const)
      writeFileSync(nixos.path('units', 'nixfleet-back-a.1.timer', name), value);
    nixos.elapse('a', 2);
    await backEnds('a');
    nixos.ok('forget', 'a');
    expect(timers()).toEqual([]);
    expect(nixos.ok('arm', 'b', '600', system(1))).toMatchObject({ timer: 'armed' });
  });

  it('would go back from what another command activates, so nothing else is activated before it has fired or was disarmed', async () => {
    nixos.ok('arm', 'a', '600', system(1));
    for (const args of [
      ['activate', 'b', 'switch', system(2)],
      ['go', 'b', '2'],
    ])
      expect(nixos.run(args)).toMatchObject({
        code: 73,
        stderr: 'nixfleet-root: Another timer is armed: nixfleet-back-a.1.timer.\n',
      });
    expect(nixos.running()).toBe(system(1));
    // systemd did not stop the timer: it does nothing any more.
    mkdirSync(nixos.path('tools', 'real'));
    renameSync(nixos.path('tools', 'systemctl'), nixos.path('tools', 'real', 'systemctl'));
    nixos.program('systemctl', `[ "$1" = stop ] && exit 1; exec "\${0%/*}/real/systemctl" "$@"`);
    nixos.ok('disarm', 'a');
    expect(timers()).toEqual(['nixfleet-back-a.1.timer']);
    await nixos.job('activate', 'b', 'switch', system(2));
    expect(nixos.running()).toBe(system(2));
  });

  it('is armed for the running system only, one at a time, and after no other one', () => {
    expect(nixos.run(['arm', 'a', '600', system(2)])).toMatchObject({
      code: 65,
      stderr: 'nixfleet-root: The path is not the running system.\n',
    });
    expect(nixos.run(['disarm', 'a']).code).toBe(66);
    nixos.ok('arm', 'a', '600', system(1));
    expect(nixos.run(['arm', 'b', '600', system(1)])).toMatchObject({
      code: 73,
      stderr: 'nixfleet-root: Another timer is armed: nixfleet-back-a.1.timer.\n',
    });
    for (const seconds of ['9', '7201', '0', '010', '-1', '1e3'])
      expect(nixos.run(['arm', 'c', seconds, system(1)]).code, seconds).toBe(64);
  });
});
