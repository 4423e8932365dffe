import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEMO_HOSTS } from '../fleet.mjs';
import { nixosAttribute, useFakeNix } from './testing/fake-nix-bench';

const bench = useFakeNix();
const { current, dryRun, flake, rebuild, run, start } = bench;

describe('nixos-rebuild', () => {
  it('prints a coloured build on both streams and activates the new system', async () => {
    const { code, out, err } = await run(rebuild('atlas'));
    expect(code).toBe(0);
    expect(err.join('\n')).toMatch(/these 14 derivations will be built:\n {2}\/nix\/store\/[0-9a-z]{32}-\S+\.drv/);
    expect(err.join('\n')).toContain('\u001b[35;1mevaluation warning:\u001b[0m');
    expect(err.some((line) => line.startsWith("copying path '/nix/store/"))).toBe(true);
    expect(out).toContain('activating the configuration...');
    expect(out).toContain('setting up /etc...');
    expect(await dryRun(nixosAttribute('atlas'))).toBe(current());
  });

  it('fails as Nix does for the hosts named in NIXFLEET_DEMO_FAILS, and changes nothing', async () => {
    await run(rebuild('atlas'));
    const before = current();
    const { code, out, err } = await run(rebuild('draco'), { NIXFLEET_DEMO_FAILS: 'cygnus, draco' });
    expect(code).toBe(1);
    expect(err.join('\n')).toMatch(/builder for '\S+' failed with exit code 2;/);
    expect(err.at(-1)).toContain('\u001b[31;1merror:\u001b[0m');
    expect(err.at(-1)).toMatch(/1 dependencies of derivation '\S+nixos-system-draco-\S+\.drv' failed to build$/);
    expect(out).not.toContain('activating the configuration...');
    expect(current()).toBe(before);
  });

  it.each([0, 1, 20_000])('prints exactly %i lines of compiler output, in order', async (count) => {
    const { code, out } = await run(rebuild('atlas'), { NIXFLEET_DEMO_LINES: String(count) });
    expect(code).toBe(0);
    const numbers = out.flatMap((line) => /^fleet-status> \[ *(\d+)\//.exec(line)?.[1] ?? []).map(Number);
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });

  it('pauses the build while the hold file exists', async () => {
    const hold = join(bench.system, 'hold');
    writeFileSync(hold, '');
    const { outLines, ended } = start(rebuild('atlas'), { NIXFLEET_DEMO_HOLD: hold, NIXFLEET_DEMO_LINES: '10' });
    const seen: string[] = [];
    outLines.on('line', (line: string) => seen.push(line));
    while (seen.length < 5) await once(outLines, 'line');
    // A build that was only slower would have printed the rest by the time another one has finished.
    await run(rebuild('borealis'));
    expect(seen).toHaveLength(5);
    rmSync(hold);
    expect((await ended).code).toBe(0);
    expect(seen.filter((line) => line.startsWith('fleet-status>'))).toHaveLength(10);
  });

  it('ends at once on SIGTERM and leaves the system unchanged', async () => {
    await run(rebuild('atlas'));
    const before = current();
    await bench.repository.commit('a change');
    const { child, errLines, ended } = start(rebuild('atlas'), {
      NIXFLEET_DEMO_SPEED: '0.1',
      NIXFLEET_DEMO_LINES: '5000',
    });
    await once(errLines, 'line');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(current()).toBe(before);
  });

  it('rolls back by one generation, and fails when there is none', async () => {
    await run(rebuild('atlas'));
    const first = current();
    await bench.repository.commit('another change');
    await run(rebuild('atlas'));
    expect(current()).not.toBe(first);
    expect((await run(['sudo', 'nixos-rebuild', '--rollback', 'switch'])).code).toBe(0);
    expect(current()).toBe(first);
    const again = await run(['sudo', 'nixos-rebuild', '--rollback', 'switch']);
    expect(again.code).toBe(1);
    expect(again.err.join('')).toContain('cannot find generation');
  });

  it('refuses a host that the configuration does not have', async () => {
    const { code, err } = await run(rebuild('nobody'));
    expect(code).toBe(1);
    expect(err.join('')).toContain('does not provide attribute \'nixosConfigurations."nobody"\'');
  });
});

describe('home-manager', () => {
  const home = ['home-manager', 'switch', '--flake'];

  it('lists its generations, and the previous one can be activated', async () => {
    await run([...home, flake('ember')]);
    const first = current();
    await bench.repository.commit('ember: change', { host: 'ember' });
    await run([...home, flake('ember')]);
    expect(await dryRun('homeConfigurations."ember".activationPackage')).toBe(current());
    const { out } = await run(['home-manager', 'generations']);
    const paths = out.map((line) => /^\d{4}-\d\d-\d\d \d\d:\d\d : id \d+ -> (\/\S+)$/.exec(line)?.[1]);
    expect(paths).toEqual([current(), first]);
    expect((await run([join(paths[1] ?? '', 'activate')])).code).toBe(0);
    expect(current()).toBe(first);
  });

  it('needs no rebuild after a change of another host', async () => {
    await run([...home, flake('ember')]);
    const wanted = () => dryRun('homeConfigurations."ember".activationPackage');
    await bench.repository.commit('atlas: change', { host: 'atlas' });
    expect(await wanted()).toBe(current());
    await bench.repository.commit('flake.lock: update', { bumpLock: true });
    expect(await wanted()).not.toBe(current());
  });
});

describe('nix', () => {
  it('updates one input of the lock file, or all', async () => {
    const lock = () => readFileSync(join(bench.repository.work, 'flake.lock'), 'utf8');
    const before = lock();
    const { err } = await run(['nix', 'flake', 'update', 'nixfleet']);
    expect(err.filter((line) => line.includes('Updated input'))).toEqual(["• Updated input 'nixfleet':"]);
    const between = lock();
    expect(between).not.toBe(before);
    expect((await run(['nix', 'flake', 'update'])).err.join('\n')).toContain("• Updated input 'nixpkgs':");
    expect(lock()).not.toBe(between);
    expect((await run(['nix', 'flake', 'update', 'nothing'])).code).toBe(64);
  });
});

describe('all fake programs', () => {
  it.each(['nixos-rebuild', 'home-manager', 'nix', 'reboot', 'systemctl', 'journalctl'])(
    '%s refuses unknown arguments',
    async (name) => {
      const { code, err } = await run([name, 'frobnicate']);
      expect(code).toBe(64);
      expect(err.join('')).toContain(`no fake for "${name} frobnicate"`);
    },
  );

  it.each([
    ['NIXFLEET_DEMO_SPEED', 'fast'],
    ['NIXFLEET_DEMO_SPEED', '-1'],
    ['NIXFLEET_DEMO_LINES', '1.5'],
  ])('refuses %s=%s and says what to write', async (name, value) => {
    const { code, err } = await run(rebuild('atlas'), { [name]: value });
    expect(code).toBe(64);
    expect(err.join('')).toMatch(new RegExp(`${name} is not .*: write `));
  });

  it('need a folder for the simulated system', async () => {
    const { code, err } = await run(['home-manager', 'generations'], { NIXFLEET_DEMO_SYSTEM: '' });
    expect(code).toBe(64);
    expect(err.join('')).toContain('NIXFLEET_DEMO_SYSTEM or NIXFLEET_STATE_DIR');
  });
});

describe('the tests of the demo repository', () => {
  it.each(DEMO_HOSTS)('pass on $name', async ({ name, type }) => {
    if (type === 'macos') await run(['home-manager', 'switch', '--flake', flake(name)]);
    execFileSync('git', ['checkout', '--quiet', '.'], { cwd: bench.repository.work });
    for (const test of ['10-configuration.sh', '20-disk.sh', '30-services.sh']) {
      const { code, err } = await run([join(bench.repository.work, 'hosts', name, 'tests', test)]);
      expect({ test, code, err }).toEqual({ test, code: 0, err: [] });
    }
  });
});
