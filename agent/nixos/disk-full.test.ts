/** Switches on a full disk: the store's, the agent's, and that of nixfleet-root. Each disk is a small tmpfs. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasNix } from '../root-helper/testing/nixos';
import { fileAppears } from '../testing/host';
import { useNixosBench, type NixosBench } from './testing/nixos-bench';

const MIB = 2 ** 20;

function mount(folder: string, options: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'nixfleet-test', folder]).status === 0;
}

/** As root outside of most containers. */
function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'nixfleet-mount-'));
  try {
    return mount(folder, 'size=64k') && spawnSync('umount', [folder]).status === 0;
  } finally {
    rmdirSync(folder);
  }
}

const runsHere = hasNix && canMount();

describe.skipIf(!runsHere)('a switch on a full disk (skipped without Nix, or where no tmpfs can be mounted)', () => {
  let bench: NixosBench;
  let before: string;
  let disks: string[];
  useNixosBench((made) => (bench = made));
  beforeEach(() => {
    disks = [];
    before = bench.nixos.running();
  });
  // Before the folders of the host are removed.
  afterEach(() => {
    for (const disk of disks) execFileSync('umount', ['--lazy', disk]);
  });

  /** Puts a small disk on a folder. What is in the folder is on it afterwards. */
  function smallDisk(folder: string, size: number, mode = '0755'): void {
    const old = `${folder}.old`;
    mkdirSync(folder, { recursive: true });
    renameSync(folder, old);
    mkdirSync(folder);
    if (!mount(folder, `size=${size},mode=${mode}`)) throw new Error(`no tmpfs on ${folder}`);
    disks.push(folder);
    execFileSync('cp', ['-a', `${old}/.`, folder]);
  }
  const fill = (folder: string) => spawnSync('dd', ['if=/dev/zero', `of=${join(folder, 'fill')}`, 'bs=4k']);
  const free = (folder: string) => rmSync(join(folder, 'fill'));

  it('of the store has failed with the disk as the reason, and changed nothing', async () => {
    smallDisk(bench.nixos.path('store'), 4 * MIB);
    bench.configure({ version: '2', size: 8 * MIB });
    await bench.start();
    bench.dashboard.command('switch', 'sw');
    const result = await bench.dashboard.result('sw');
    expect(result).toMatchObject({ status: 'error', exit_code: 1, restarting: false });
    expect(result.message).toContain('No space left on device');
    expect([bench.nixos.running(), bench.nixos.generation(), bench.changes()]).toEqual([before, 1, []]);
    // Nix leaves what the build had written.
    bench.nixos.nix('nix-store', '--gc');
    await bench.expectFree();
  });

  it('of the agent activates nothing: no later agent could find the activation', async () => {
    smallDisk(bench.host.stateDir, 4 * MIB, '0700');
    bench.configure({ version: '2' });
    await bench.start();
    await bench.dashboard.frame('heartbeat', ({ generation }) => generation !== '');
    fill(bench.host.stateDir);
    bench.dashboard.command('switch', 'sw');
    const result = await bench.dashboard.result('sw');
    expect(result).toMatchObject({ status: 'error', exit_code: 1, restarting: false });
    expect(result.message).toMatch(/^nothing was activated: .* can't be written \(ENOSPC/);
    expect([bench.nixos.running(), bench.nixos.generation(), bench.changes()]).toEqual([before, 1, []]);
    free(bench.host.stateDir);
    await bench.expectFree();
  });

  it('of the agent that fills up during the activation is reported by what runs', async () => {
    smallDisk(bench.host.stateDir, 4 * MIB, '0700');
    bench.configure({ version: '2' });
    const agent = await bench.start();
    bench.nixos.waits();
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('stc', 'waits'));
    fill(bench.host.stateDir);
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', exit_code: 0, restarting: true });
    expect(await agent.exit).toEqual({ code: 101, signal: null });
    expect([bench.nixos.running() === before, bench.nixos.generation()]).toEqual([false, 2]);
    free(bench.host.stateDir);
    await bench.start();
    await bench.expectFree();
  });

  it('of nixfleet-root activates nothing, and the reason names its folder', async () => {
    smallDisk(bench.nixos.stateDir, 64 * 1024, '0750');
    bench.configure({ version: '2' });
    await bench.start();
    fill(bench.nixos.stateDir);
    bench.dashboard.command('switch', 'sw');
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'error',
      exit_code: 70,
      restarting: false,
      message: `${bench.nixos.stateDir} can't be written. It may be full.`,
    });
    expect([bench.nixos.running(), bench.nixos.generation()]).toEqual([before, 1]);
    expect(bench.nixos.roots()).toEqual([]);
    free(bench.nixos.stateDir);
    await bench.expectFree();
  });

  it('of nixfleet-root that fills up during the activation is judged by the exit code that systemd knows', async () => {
    smallDisk(bench.nixos.stateDir, 64 * 1024, '0750');
    bench.configure({ version: '2' });
    const agent = await bench.start();
    bench.nixos.waits();
    bench.nixos.ends(4);
    bench.dashboard.command('switch', 'sw');
    await fileAppears(bench.nixos.path('stc', 'waits'));
    bench.failedUnits('a.service');
    fill(bench.nixos.stateDir);
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'warning',
      exit_code: 4,
      restarting: true,
      message: 'Switched, but unit a.service failed',
    });
    expect(await agent.exit).toEqual({ code: 101, signal: null });
    expect(readFileSync(`${bench.nixos.running()}/nixos-version`, 'utf8')).toBe('2\n');
    expect(bench.nixos.generation()).toBe(2);
    free(bench.nixos.stateDir);
    bench.nixos.ends(0);
    await bench.start();
    await bench.expectFree();
  });
});
