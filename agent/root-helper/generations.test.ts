/** nixfleet-root keeps, deletes and boots generations, and cleans the store, with the real Nix. */
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNixos, hasNix, type TestNixos } from './testing/nixos';

describe.skipIf(!hasNix)('generations of nixfleet-root (skipped without Nix)', () => {
  let nixos: TestNixos;
  beforeEach(() => {
    nixos = createNixos(6);
  });
  afterEach(() => nixos.remove());
  const system = (version: number) => nixos.system(version);
  /** Makes a generation so many days old. */
  const age = (generation: number, days: number) =>
    execFileSync('touch', [
      '-h',
      '-d',
      `@${Math.floor(Date.now() / 1000) - days * 86_400}`,
      `${nixos.profile}-${generation}-link`,
    ]);
  const link = (name: string, target: string) => {
    rmSync(nixos.path(name));
    symlinkSync(target, nixos.path(name));
  };

  it('deletes generations, and their boot entries after them', async () => {
    const status = await nixos.job('delete', 'a', '2,4');
    expect(status).toMatchObject({ unit: 'nixfleet-task-a.service', 'result.exit': '0' });
    expect(nixos.generations()).toEqual([1, 3, 5, 6]);
    expect(nixos.calls().slice(1)).toEqual([
      `nix-env -p ${nixos.profile} --delete-generations 2 4`,
      expect.stringContaining(`boot ${system(1)}`),
    ]);
  });

  it('refuses to delete what is current, running, booted, kept or needed by a timer, and then deletes nothing', () => {
    link('booted-system', system(2));
    nixos.ok('arm', 'timer', '600', system(1));
    link('current-system', system(3));
    nixos.ok('keep', '4');
    nixos.nix('nix-env', '-p', nixos.profile, '--switch-generation', '5');
    for (const generation of ['1', '2', '3', '4', '5']) {
      const end = nixos.run(['delete', 'a', `6,${generation}`]);
      expect(end.code, generation).toBe(65);
      expect(end.stderr).toContain(`nixfleet-root: Generation ${generation} can't be deleted. It is needed by /`);
    }
    expect(nixos.run(['delete', 'a', '6,7'])).toMatchObject({
      code: 65,
      stderr: 'nixfleet-root: There is no generation 7.\n',
    });
    expect(nixos.generations()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('keeps a generation until it is released', () => {
    expect(nixos.ok('keep', '2')).toEqual({ kept: 'yes', path: system(2) });
    expect(nixos.ok('plan-garbage', '0', '2')).toEqual({ generation: '4' });
    expect(nixos.run(['plan-garbage', '0', '2']).stdout).toBe('generation=3\ngeneration=4\n');
    expect(nixos.ok('release', '2')).toEqual({ kept: 'no' });
    expect(nixos.run(['plan-garbage', '0', '2']).stdout).toBe('generation=2\ngeneration=3\ngeneration=4\n');
    expect(nixos.ok('release', '2')).toEqual({ kept: 'no' });
    expect(nixos.run(['keep', '7']).code).toBe(65);
  });

  it('a kept number whose generation is another system now does not count', () => {
    nixos.ok('keep', '6');
    nixos.nix('nix-env', '-p', nixos.profile, '--delete-generations', '6');
    nixos.nix('nix-env', '-p', nixos.profile, '--set', nixos.build('nixos-system-h1-27', `cp -r ${system(1)} $out`));
    nixos.nix('nix-env', '-p', nixos.profile, '--switch-generation', '1');
    expect(nixos.generations()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(nixos.run(['delete', 'a', '6']).code).toBe(0);
  });

  it('collects garbage: only what is old enough and not needed, boot entries before paths', async () => {
    for (const generation of [1, 2, 3, 4]) age(generation, 30);
    nixos.ok('keep', '3');
    const unused = nixos.build('unused', 'echo 1 > $out');
    expect(nixos.run(['plan-garbage', '14', '2']).stdout).toBe('generation=2\ngeneration=4\n');
    expect(nixos.run(['plan-garbage', '31', '2']).stdout).toBe('');
    expect(nixos.run(['plan-garbage', '14', '4']).stdout).toBe('generation=2\n');
    nixos.forgetCalls();
    const status = await nixos.job('collect-garbage', 'a', '14', '2');
    expect(status['result.exit']).toBe('0');
    expect(nixos.generations()).toEqual([1, 3, 5, 6]);
    expect(nixos.calls().slice(1)).toEqual([
      `nix-env -p ${nixos.profile} --delete-generations 2 4`,
      expect.stringContaining(`boot ${system(1)}`),
      'nix-store --gc',
    ]);
    for (const [version, kept] of [
      [1, true],
      [2, false],
      [3, true],
      [4, false],
      [5, true],
      [6, true],
    ] as const)
      expect(existsSync(system(version)), `system ${version}`).toBe(kept);
    expect(existsSync(unused)).toBe(false);
    expect(readFileSync(join(nixos.stateDir, 'a', 'output'), 'utf8')).toMatch(/\d+ store paths deleted/);
  });

  it('collects no garbage if the boot entries could not be written: an entry would start a missing system', async () => {
    for (const generation of [2, 3, 4]) age(generation, 30);
    nixos.ends(1);
    expect((await nixos.job('collect-garbage', 'a', '14', '2'))['result.exit']).toBe('1');
    expect(nixos.calls()).not.toContain('nix-store --gc');
    expect(existsSync(system(2))).toBe(true);
  });

  it('collects the store alone if no generation may go', async () => {
    const unused = nixos.build('unused', 'echo 1 > $out');
    nixos.forgetCalls();
    await nixos.job('collect-garbage', 'a', '14', '2');
    expect(nixos.calls().slice(1)).toEqual(['nix-store --gc']);
    expect(existsSync(unused)).toBe(false);
  });

  it('optimises the store', async () => {
    expect(await nixos.job('optimise', 'a')).toMatchObject({ unit: 'nixfleet-task-a.service', 'result.exit': '0' });
    expect(nixos.calls().at(-1)).toBe('nix-store --optimise');
  });

  it.each([
    ['nixos-generation-3.conf', 'nixos-generation-3.conf'],
    ['nixos-generation-3+2-1.conf', 'nixos-generation-3.conf'],
    ['nixos-generation-3+3.conf', 'nixos-generation-3.conf'],
    ['nixos-0123456789abcdef.conf', 'nixos-0123456789abcdef.conf'],
  ])('boots a generation once by the entry %s', (file, entry) => {
    const entries = nixos.path('boot', 'loader', 'entries');
    mkdirSync(entries, { recursive: true });
    const conf = (init: string) =>
      `title NixOS\nversion x\nlinux /EFI/nixos/k.efi\noptions init=${init}/init loglevel=4\n`;
    writeFileSync(join(entries, 'nixos-generation-2.conf'), conf(system(2)));
    writeFileSync(join(entries, 'a-longer-name.conf'), conf(`${system(3)}-x`));
    writeFileSync(join(entries, file), conf(system(3)));
    expect(nixos.ok('boot-once', '3')).toEqual({ entry });
    expect(nixos.calls()).toEqual([`bootctl set-oneshot ${entry}`]);
    expect(nixos.run(['boot-once', '4'])).toMatchObject({
      code: 66,
      stderr: 'nixfleet-root: No boot entry of systemd-boot starts this generation.\n',
    });
  });

  it('refuses to boot once without systemd-boot', () => {
    expect(nixos.run(['boot-once', '3'])).toMatchObject({
      code: 66,
      stderr: 'nixfleet-root: This host does not boot with systemd-boot.\n',
    });
  });

  it('reboots only where the configuration allows it', () => {
    expect(nixos.ok('reboot')).toEqual({ reboot: 'requested' });
    expect(nixos.calls()).toEqual(['systemctl reboot']);
    const strict = createNixos(1, { allowReboot: 'no' });
    try {
      expect(strict.run(['reboot'])).toMatchObject({ code: 69, stdout: '' });
      expect(strict.calls()).toEqual([]);
      expect(strict.ok('version')).toEqual({
        version: '0.0.0-test',
        grammar: '1',
        allow_reboot: 'no',
        state: strict.stateDir,
      });
    } finally {
      strict.remove();
    }
  });
});
