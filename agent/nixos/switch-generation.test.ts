/** The switch to a generation by its number, with the real agent, the real Nix and the real nixfleet-root. */
import { existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { hasNix } from '../root-helper/testing/nixos';
import { fileAppears } from '../testing/host';
import { useNixosBench, type NixosBench } from './testing/nixos-bench';
import { ACCEPTED } from '@/lib/protocol/agent/accepts';

describe.skipIf(!hasNix)('a switch to a generation by its number (skipped without Nix)', () => {
  let bench: NixosBench;
  useNixosBench((made) => (bench = made));
  /** The systems of the generations 1 to 3. The last one runs, the first one is booted. */
  let systems: string[];
  beforeEach(() => {
    const { nixos } = bench;
    const copies = ['25.11.2', '25.11.3'].map((version) =>
      nixos.build(
        `nixos-system-h1-${version}`,
        `cp -r ${nixos.system(1)} $out; chmod -R u+w $out; echo ${version} > $out/nixos-version`,
      ),
    );
    for (const copy of copies) nixos.nix('nix-env', '-p', nixos.profile, '--set', copy);
    systems = [nixos.system(1), ...copies];
    rmSync(nixos.path('current-system'));
    symlinkSync(copies[1] ?? '', nixos.path('current-system'));
    nixos.forgetCalls();
    bench.dashboard.settings.accepts = ACCEPTED;
  });

  const go = (id: string, generation?: number) =>
    bench.dashboard.command('switch-generation', id, generation === undefined ? {} : { generation });
  const now = ({ nixos }: NixosBench) => ({ running: nixos.running(), profile: nixos.generation() });
  const record = () => join(bench.host.stateDir, 'activation.json');

  it('activates that system with its script and its boot entry, and reports the list again', async () => {
    await bench.start();
    expect(await bench.dashboard.frame('system_generations')).toMatchObject({
      total: 3,
      generations: [
        { number: 3, nixos_version: '25.11.3', runs: true, next_boot: true, booted: false },
        { number: 2, nixos_version: '25.11.2', runs: false, next_boot: false, booted: false },
        { number: 1, nixos_version: '25.11.1', runs: false, next_boot: false, booted: true },
      ],
    });
    go('g1', 1);
    expect(await bench.dashboard.result('g1')).toMatchObject({
      status: 'ok',
      exit_code: 0,
      message: 'Switched to generation 1',
      restarting: false,
    });
    expect(now(bench)).toEqual({ running: systems[0], profile: 1 });
    expect(bench.nixos.bootDefault()).toBe(systems[0]);
    expect(bench.nixos.calls().join('\n')).toContain(`switch ${systems[0] ?? ''}`);
    expect(bench.output('g1')).toContain(`Switching to generation 1: ${systems[0] ?? ''}`);
    const after = await bench.dashboard.frame('system_generations', ({ generations }) =>
      generations.some(({ number, runs }) => number === 1 && runs),
    );
    expect(after.generations.find(({ number }) => number === 1)).toMatchObject({ next_boot: true, booted: true });
    await bench.dashboard.frame('heartbeat', ({ update_status: status }) => status?.system.status === 'outdated');
    // The next command runs: the host is free. What it leaves behind is removed once its result is saved.
    go('g3', 3);
    expect(await bench.dashboard.result('g3')).toMatchObject({ status: 'ok' });
    expect(now(bench)).toEqual({ running: systems[2], profile: 3 });
    await expect.poll(() => existsSync(record())).toBe(false);
    expect(bench.nixos.roots()).toEqual([]);
  });

  it('leaves System up to date where the generation was built from the commit of the clone', async () => {
    const commit = bench.host.git(['rev-parse', 'HEAD']);
    bench.nixos.program('nixos-version', `echo '{"configurationRevision":"${commit}","nixosVersion":"25.11"}'`);
    await bench.start();
    go('g1', 1);
    expect(await bench.dashboard.result('g1')).toMatchObject({ status: 'ok' });
    const { update_status: status } = await bench.dashboard.frame(
      'heartbeat',
      ({ update_status: report }) => report?.system.message === 'Switched to generation 1',
    );
    expect(status?.system.status).toBe('ok');
  });

  it('has nothing to do where the generation runs and is already the boot default', async () => {
    await bench.start();
    go('g3', 3);
    expect(await bench.dashboard.result('g3')).toMatchObject({
      status: 'ok',
      message: 'Nothing to do: generation 3 runs and is already the boot default',
    });
    expect(bench.changes()).toEqual([]);
  });

  it('makes the generation that runs the boot default, where it is not', async () => {
    bench.nixos.nix('nix-env', '-p', bench.nixos.profile, '--switch-generation', '1');
    await bench.start();
    go('g3', 3);
    expect(await bench.dashboard.result('g3')).toMatchObject({ status: 'ok' });
    expect(now(bench)).toEqual({ running: systems[2], profile: 3 });
    expect(bench.nixos.bootDefault()).toBe(systems[2]);
  });

  it('fails clearly where the generation does not exist, and frees the host', async () => {
    await bench.start();
    bench.nixos.nix('nix-env', '-p', bench.nixos.profile, '--delete-generations', '2');
    bench.nixos.forgetCalls();
    go('g2', 2);
    expect(await bench.dashboard.result('g2')).toMatchObject({
      status: 'error',
      message: 'Generation 2 does not exist any more on this host',
    });
    expect(bench.changes()).toEqual([]);
    expect(existsSync(record())).toBe(false);
    go('g1', 1);
    expect(await bench.dashboard.result('g1')).toMatchObject({ status: 'ok' });
  });

  it('fails in the same way where the generation is deleted just before nixfleet-root is called', async () => {
    await bench.start();
    const remove = `rm -f ${bench.nixos.profile}-2-link`;
    bench.host.program('sudo', `[ "$1" = -n ] && shift\ncase "$2" in go) ${remove};; esac\nexec "$@"`);
    go('g2', 2);
    expect(await bench.dashboard.result('g2')).toMatchObject({
      status: 'error',
      message: 'Generation 2 does not exist any more on this host',
    });
    expect(now(bench)).toEqual({ running: systems[2], profile: 3 });
    expect([existsSync(record()), bench.nixos.roots()]).toEqual([false, []]);
    go('g1', 1);
    expect(await bench.dashboard.result('g1')).toMatchObject({ status: 'ok' });
  });

  it('changes nothing where the generation is deleted just before the profile is set, and says why', async () => {
    await bench.start();
    const nixEnv = readFileSync(bench.nixos.path('tools', 'nix-env'), 'utf8');
    const remove = `case "$*" in *--switch-generation*) rm -f ${bench.nixos.profile}-2-link;; esac`;
    writeFileSync(bench.nixos.path('tools', 'nix-env'), nixEnv.replace('\n', `\n${remove}\n`));
    go('g2', 2);
    const result = await bench.dashboard.result('g2');
    expect(result).toMatchObject({ status: 'error', exit_code: 1 });
    expect(result.message).toMatch(/(generation|version) 2 does not exist/);
    expect(result.message).not.toContain('could not be set back');
    expect(now(bench)).toEqual({ running: systems[2], profile: 3 });
  });

  it.each([
    [4, 'warning', 1, 'Switched to generation 1, but unit a.service failed'],
    [1, 'error', 3, "Pre-switch check 'switchInhibitors' failed"],
    [11, 'error', 3, 'another switch is running on this host'],
  ] as const)('whose activation ends with %i is judged by what runs', async (code, status, number, message) => {
    await bench.start();
    bench.nixos.ends(code);
    go('g1', 1);
    expect(await bench.dashboard.result('g1')).toMatchObject({ status, exit_code: code, message });
    expect(now(bench)).toEqual({ running: systems[number - 1], profile: number });
  });

  it('is reported with its true result by the next agent when its agent is killed', async () => {
    const agent = await bench.start();
    bench.nixos.waits();
    go('g1', 1);
    await fileAppears(bench.nixos.path('stc', 'waits'));
    agent.child.kill('SIGKILL');
    await agent.exit;
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    await bench.start();
    expect(await bench.dashboard.result('g1')).toMatchObject({ status: 'ok', message: 'Switched to generation 1' });
    expect(now(bench)).toEqual({ running: systems[0], profile: 1 });
    expect(bench.output('g1').filter((line) => line === 'activating the configuration...')).toHaveLength(1);
    // Removed once the result is saved.
    await expect.poll(() => existsSync(record())).toBe(false);
  });

  it('changed nothing when its agent was killed before the activation began', async () => {
    const agent = await bench.start();
    const called = bench.nixos.path('called');
    bench.host.program(
      'sudo',
      `[ "$1" = -n ] && shift\ncase "$2" in go) touch ${called}; exec sleep 1000;; esac\nexec "$@"`,
    );
    go('g1', 1);
    await fileAppears(called);
    agent.child.kill('SIGKILL');
    await agent.exit;
    await bench.start();
    expect(await bench.dashboard.result('g1')).toMatchObject({
      status: 'error',
      message: 'the agent stopped before the activation started: nothing has changed',
    });
    expect(now(bench)).toEqual({ running: systems[2], profile: 3 });
  });

  it('without a number fails', async () => {
    await bench.start();
    go('g');
    expect(await bench.dashboard.result('g')).toMatchObject({
      status: 'error',
      message: 'the command names no generation',
    });
  });

  it('is not offered without nixfleet-root, and no list is sent', async () => {
    await bench.start({ NIXFLEET_ROOT_HELPER: bench.nixos.path('no-such-program') });
    expect((await bench.dashboard.frame('register')).capabilities).not.toContain('generations');
    go('g1', 1);
    const { message } = await bench.dashboard.result('g1');
    expect(message).toContain('nixfleet-root is not installed');
    expect(bench.dashboard.all('system_generations')).toEqual([]);
  });

  it('sends no list to a dashboard that does not accept it', async () => {
    bench.dashboard.settings.accepts = null;
    await bench.start();
    go('g1', 1);
    await bench.dashboard.result('g1');
    expect(bench.dashboard.all('system_generations')).toEqual([]);
  });
});
