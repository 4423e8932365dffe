/** Hosts that run a specialisation: `/run/current-system` is then the store path behind `specialisation/NAME`. */
import { readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasNix } from '../root-helper/testing/nixos';
import { fileAppears } from '../testing/host';
import { useNixosBench, type NixosBench } from './testing/nixos-bench';

const UP_TO_DATE = 'The specialisation quiet of what the configuration builds runs';

describe.skipIf(!hasNix)('a host that runs a specialisation (skipped without Nix)', () => {
  let bench: NixosBench;
  useNixosBench((made) => (bench = made));

  const variantOf = (system: string) => readlinkSync(`${system}/specialisation/quiet`);
  /** As after a boot: the entries of specialisations are in the boot menu. */
  function boot(system: string): void {
    rmSync(bench.nixos.path('current-system'));
    symlinkSync(system, bench.nixos.path('current-system'));
  }
  /** The system of version 2 is the boot default, and its specialisation runs. */
  async function switched(): Promise<{ base: string; variant: string }> {
    bench.configure({ version: '2', specialisation: 'quiet' });
    await bench.run(await bench.start(), 'switch', 'first');
    const base = bench.nixos.running();
    const variant = variantOf(base);
    boot(variant);
    bench.nixos.forgetCalls();
    return { base, variant };
  }

  it('is up to date where its configuration builds the system of that specialisation', async () => {
    await switched();
    bench.dashboard.command('refresh-system', 'rs');
    expect(await bench.dashboard.result('rs')).toMatchObject({ status: 'ok' });
    await bench.dashboard.frame('heartbeat', ({ update_status: status }) => status?.system.message === UP_TO_DATE);
  });

  it('switches to the system without the specialisation, as nixos-rebuild does, and says so', async () => {
    const { base } = await switched();
    bench.dashboard.command('switch', 'sw');
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', exit_code: 0, restarting: true });
    expect(bench.nixos.running()).toBe(base);
    expect(bench.output('sw')).toContain(
      'The specialisation quiet runs. The switch activates the system without it, as nixos-rebuild does.',
    );
  });

  it('switches to a newer system, and says that its specialisation ends', async () => {
    await switched();
    bench.configure({ version: '3' });
    bench.dashboard.command('pull-switch', 'sw');
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', exit_code: 0 });
    expect(readFileSync(`${bench.nixos.running()}/nixos-version`, 'utf8')).toBe('3\n');
    expect(bench.output('sw').filter((line) => line.includes('specialisation quiet runs'))).toHaveLength(1);
  });

  it('has nothing to set where the system of the specialisation is already the boot default', async () => {
    await switched();
    bench.dashboard.command('boot', 'bt');
    expect((await bench.dashboard.result('bt')).message).toContain('Nothing to do');
    expect(bench.changes()).toEqual([]);
  });

  it('keeps the specialisation where a check refuses the switch', async () => {
    const { variant } = await switched();
    bench.nixos.ends(1);
    bench.dashboard.command('switch', 'sw');
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'error', exit_code: 1, restarting: false });
    expect([bench.nixos.running(), bench.nixos.generation()]).toEqual([variant, 2]);
  });

  it('booted the new system where it restarted during the activation into a specialisation of it', async () => {
    bench.configure({ version: '2', specialisation: 'quiet' });
    const agent = await bench.start();
    bench.nixos.hangs('any');
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('stc', 'hangs'));
    agent.child.kill('SIGKILL');
    await agent.exit;
    bench.nixos.killUnit('nixfleet-activate-csw.service');
    const record = `${bench.host.stateDir}/activation.json`;
    writeFileSync(record, readFileSync(record, 'utf8').replace(/"bootId":"[^"]*"/, '"bootId":"the one before"'));
    boot(variantOf(bench.nixos.bootDefault()));
    await bench.start();
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'warning',
      message: 'Switched, but the host restarted during the activation and booted the new system',
    });
  });

  it('keeps the generation of its specialisation from deletion', async () => {
    const { base, variant } = await switched();
    bench.configure({ version: '3' });
    bench.dashboard.command('pull-switch', 'sw');
    await bench.dashboard.result('sw');
    boot(variant);
    expect(bench.nixos.run(['delete', 'a', '2'])).toMatchObject({
      code: 65,
      stderr: `nixfleet-root: Generation 2 can't be deleted. It is needed by ${bench.nixos.path('current-system')}.\n`,
    });
    expect(readlinkSync(`${bench.nixos.profile}-2-link`)).toContain(basename(base));
  });
});
