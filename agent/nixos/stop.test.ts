/** A stop in each phase of a switch, and builds that are killed: each has the right end, and the host is free. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { findProgram } from '@/scripts/setup/requirements.mjs';
import { hasNix } from '../root-helper/testing/nixos';
import { fileAppears, processEnds } from '../testing/host';
import { useNixosBench, type NixosBench } from './testing/nixos-bench';

const STOPPED = { status: 'stopped', exit_code: 130, message: 'terminated by user' };

describe.skipIf(!hasNix)('a switch (skipped without Nix)', () => {
  let bench: NixosBench;
  let before: string;
  useNixosBench((made) => (bench = made));
  beforeEach(() => {
    before = bench.nixos.running();
  });

  /** A switch whose build runs. */
  async function building(): Promise<void> {
    bench.configure({ version: '2', slow: true });
    await bench.start();
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('building'));
  }
  /** Stops the switch; gives the result of the stop. */
  async function stop() {
    bench.dashboard.command('stop', 'st', { target: 'sw' });
    return bench.dashboard.result('st');
  }
  const numberIn = (name: string) => Number(readFileSync(bench.nixos.path(name), 'utf8'));
  /** Nothing was called that changes the system, and nothing of the switch is left. */
  function expectNothingChanged(): void {
    expect([bench.nixos.running(), bench.nixos.generation(), bench.changes()]).toEqual([before, 1, []]);
    expect(existsSync(`${bench.host.stateDir}/activation.json`)).toBe(false);
  }
  /** Stops the switch before it has changed anything; the given process of it ends as well. */
  async function expectStopped(pid?: number): Promise<void> {
    expect(await stop()).toMatchObject({ status: 'ok' });
    expect(await bench.dashboard.result('sw')).toMatchObject(STOPPED);
    if (pid !== undefined) await processEnds(pid);
    expectNothingChanged();
  }
  /** The switch can’t be stopped any more, and the answer says so. */
  async function expectRefused(): Promise<void> {
    const refused = await stop();
    expect(refused).toMatchObject({ status: 'error' });
    expect(refused.message).toContain('can’t be stopped cleanly');
  }
  /** A program that makes `waits` and waits for `go-on` where its arguments match, before it does what it always does. */
  function hold(program: string, pattern: string, otherwise: string): void {
    const waits = `: >${bench.nixos.path('waits')}; until [ -e ${bench.nixos.path('go-on')} ]; do sleep 0.05; done`;
    bench.host.program(program, `case " $* " in *${pattern}*) ${waits};; esac\n${otherwise}`);
  }
  const waits = () => fileAppears(bench.nixos.path('waits'));
  const goOn = () => writeFileSync(bench.nixos.path('go-on'), '');
  const SUDO = '[ "$1" = -n ] && shift\nexec "$@"';

  it('that is stopped while it pulls ends at once', async () => {
    await bench.start();
    await fileAppears(join(bench.host.repoDir, 'flake.nix'));
    await bench.dashboard.frame('heartbeat', ({ generation }) => generation !== '');
    bench.configure({ version: '2' });
    hold('git', '" fetch "', `exec ${findProgram('git') ?? ''} "$@"`);
    bench.dashboard.command('pull-switch', 'sw');
    await waits();
    await expectStopped();
    goOn();
    await bench.expectFree();
  });

  it('that is stopped while it evaluates ends, by SIGKILL where Nix ignores other signals', async () => {
    bench.configure({ version: '2', evaluates: 'for hours' });
    await bench.start();
    bench.dashboard.command('switch', 'sw');
    await bench.dashboard.until('the evaluation', () => bench.output('sw').find((line) => line.includes('evaluating')));
    const nix = numberIn('nix-process');
    await expectStopped(nix);
    await bench.expectFree();
  });

  it('that is stopped while it builds ends at once, with its builder', async () => {
    await building();
    await expectStopped(numberIn('building'));
    await bench.expectFree();
  });

  it('that is stopped while it compares the systems activates nothing', async () => {
    bench.configure({ version: '2' });
    await bench.start();
    hold('systemctl', '--state=failed', ':');
    bench.dashboard.command('switch', 'sw');
    await waits();
    await expectStopped();
    goOn();
    await bench.expectFree();
  });

  it('is not stopped once nixfleet-root was called, even before the unit of the activation has started', async () => {
    bench.configure({ version: '2' });
    await bench.start();
    hold('sudo', '" activate "', SUDO);
    bench.dashboard.command('switch', 'sw');
    await waits();
    await expectRefused();
    goOn();
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', exit_code: 0, restarting: true });
    expect([bench.nixos.running() === before, bench.nixos.generation()]).toEqual([false, 2]);
  });

  it('is not stopped while it activates, says so, and ends half-way with the old profile when it is killed', async () => {
    bench.configure({ version: '2' });
    await bench.start();
    bench.nixos.hangs('any');
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('stc', 'hangs'));
    await expectRefused();
    bench.dashboard.send('kill_command', { pid: 0, signal: 'SIGKILL' });
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'error',
      message: 'the activation was stopped half-way: parts of the system may have changed',
    });
    expect([bench.nixos.bootDefault(), bench.nixos.generation()]).toEqual([before, 1]);
    bench.nixos.hangs(null);
    await bench.expectFree();
  });

  it('is not stopped after its activation, while the agent reads why a unit failed', async () => {
    bench.configure({ version: '2' });
    await bench.start();
    bench.nixos.ends(4);
    bench.nixos.waits();
    hold('journalctl', 'a.service', 'echo the last words');
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('stc', 'waits'));
    bench.failedUnits('a.service');
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    await waits();
    expect(await stop()).toMatchObject({ status: 'error' });
    goOn();
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'warning',
      exit_code: 4,
      message: 'Switched, but unit a.service failed',
    });
    expect(bench.nixos.generation()).toBe(2);
  });

  it('is not stopped after its result: there is no command, and the agent restarts', async () => {
    bench.configure({ version: '2' });
    const agent = await bench.start();
    hold('sudo', '" forget "', SUDO);
    bench.dashboard.command('switch', 'sw');
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', restarting: true });
    await waits();
    expect(await stop()).toMatchObject({ status: 'error', message: 'no command running' });
    goOn();
    expect(await agent.exit).toEqual({ code: 101, signal: null });
    expect(bench.nixos.generation()).toBe(2);
  });

  it('whose Nix is killed (SIGKILL) has failed, and its builder has ended', async () => {
    await building();
    process.kill(numberIn('nix-process'), 'SIGKILL');
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'error',
      exit_code: 137,
      message: 'nix build was ended by SIGKILL',
    });
    await processEnds(numberIn('building'));
    expectNothingChanged();
    await bench.expectFree();
  });

  it('whose builder is killed (SIGKILL) has failed, and the reason names the build', async () => {
    await building();
    process.kill(numberIn('building'), 'SIGKILL');
    const result = await bench.dashboard.result('sw');
    expect(result).toMatchObject({ status: 'error', exit_code: 1 });
    expect(result.message).toContain('library-2 failed');
    expect(result.message).toContain('signal 9');
    expectNothingChanged();
    await bench.expectFree();
  });
});
