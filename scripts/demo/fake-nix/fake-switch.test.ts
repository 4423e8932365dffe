/** What a switch of the agent uses: `nix build` with a log of records, and nixfleet-root. */
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createBuildLog, type BuildProgress } from '@/agent/nixos/build-log';
import { nixosAttribute, useFakeNix } from './testing/fake-nix-bench';

const bench = useFakeNix();
const { build, current, dryRun, linkOf, rebuild, run, start } = bench;

/** What the agent reads from the log of a build. */
function readLog(records: readonly string[]) {
  const progress: BuildProgress[] = [];
  const log = createBuildLog((counts) => progress.push(counts));
  return { lines: records.flatMap((record) => log.read(record)), progress };
}

describe('nix build', () => {
  it('writes records that the agent reads, counts builds and downloads, and links the system', async () => {
    const { code, out, err } = await run(build('atlas'), { NIXFLEET_DEMO_LINES: '12' });
    expect([code, out]).toEqual([0, []]);
    const { lines, progress } = readLog(err);
    expect(err.every((line) => line.startsWith('@nix {'))).toBe(true);
    expect(progress.at(-1)).toMatchObject({ built: 14, toBuild: 14, fetched: 9, toFetch: 9 });
    const whileBuilding = progress
      .filter(({ building }) => building)
      .map(({ built, toBuild }) => `${built}/${toBuild}`);
    expect([...new Set(whileBuilding)]).toEqual(Array.from({ length: 15 }, (_, done) => `${done}/14`));
    expect(lines.filter((line) => line.startsWith('fleet-status> ['))).toHaveLength(12);
    expect(lines.some((line) => line.startsWith("copying path '/nix/store/"))).toBe(true);
    expect(readlinkSync(linkOf())).toBe(await dryRun(nixosAttribute('atlas')));
    // It is not activated, and it is built once.
    expect(existsSync(join(bench.system, 'profile'))).toBe(false);
    const again = await run(build('atlas'));
    expect([again.code, readLog(again.err).progress]).toEqual([0, []]);
  });

  it('fails as Nix does for the hosts named in NIXFLEET_DEMO_FAILS, and links nothing', async () => {
    const { code, err } = await run(build('draco'), { NIXFLEET_DEMO_FAILS: 'draco' });
    expect([code, existsSync(linkOf())]).toEqual([1, false]);
    const { lines, progress } = readLog(err);
    expect(progress.at(-1)).toMatchObject({ built: 4, toBuild: 14 });
    const text = lines.join('\n');
    expect(text).toMatch(
      /builder for '\S+-fleet-status-0\.3\.1\.drv\S*' failed with exit code 2\n {7}last 10 log lines:/,
    );
    expect(lines.at(-1)).toMatch(/dependencies of derivation '\S+nixos-system-draco-\S+' failed to build$/);
  });

  it('pauses the build while the hold file exists', async () => {
    const hold = join(bench.system, 'hold');
    writeFileSync(hold, '');
    const { errLines, ended } = start(build('atlas'), { NIXFLEET_DEMO_HOLD: hold, NIXFLEET_DEMO_LINES: '10' });
    const seen: string[] = [];
    errLines.on('line', (line: string) => seen.push(line));
    const compiled = () => readLog(seen).lines.filter((line) => line.startsWith('fleet-status> ['));
    while (compiled().length < 5) await once(errLines, 'line');
    await run(build('borealis'));
    expect(compiled()).toHaveLength(5);
    expect(readLog(seen).progress.at(-1)).toMatchObject({ built: 4, toBuild: 14 });
    rmSync(hold);
    expect((await ended).code).toBe(0);
    expect(compiled()).toHaveLength(10);
  });

  it('refuses a host that the configuration does not have', async () => {
    expect((await run(build('nobody'))).code).toBe(1);
  });
});

describe('nixfleet-root', () => {
  const root = (...args: string[]) => ['sudo', '-n', 'nixfleet-root', ...args];
  const answerOf = async (command: readonly string[], options?: Record<string, string>) => {
    const { code, out, err } = await run(command, options);
    return { code, err: err.join('\n'), values: new Map(out.map((line) => [line.split('=')[0], line.split('=')[1]])) };
  };
  const file = (id: string, name: string) => readFileSync(join(bench.system, 'root', id, name), 'utf8');
  const status = async (id: string) => (await answerOf(root('status', id))).values;
  async function built(host: string): Promise<string> {
    await run(build(host));
    return readlinkSync(linkOf());
  }
  async function ended(id: string): Promise<void> {
    while ((await status(id)).get('job') === 'running');
  }

  it('says which grammar it has', async () => {
    expect((await answerOf(root('version'))).values.get('grammar')).toBe('1');
  });

  it('activates in a process that outlives the call, and writes output and result', async () => {
    const target = await built('atlas');
    const { code, values } = await answerOf(root('activate', 'c1', 'switch', target));
    expect([code, values.get('unit')]).toEqual([0, 'nixfleet-activate-c1.service']);
    await ended('c1');
    expect((await status('c1')).get('result.exit')).toBe('0');
    expect(file('c1', 'output')).toContain('setting up /etc...');
    expect(file('c1', 'result')).toContain(`running=${target}\n`);
    expect([current(), realpathSync(join(bench.system, 'current-system'))]).toEqual([target, target]);
    expect((await answerOf(root('activate', 'c1', 'switch', target))).code).toBe(73);
    expect((await answerOf(root('forget', 'c1'))).values.get('forgotten')).toBe('yes');
    expect((await answerOf(root('status', 'c1'))).code).toBe(66);
  });

  it('is busy while an activation runs', async () => {
    const target = await built('atlas');
    const hold = join(bench.system, 'hold');
    writeFileSync(hold, '');
    await run(root('activate', 'c1', 'switch', target), { NIXFLEET_DEMO_HOLD_ACTIVATION: hold });
    expect((await status('c1')).get('job')).toBe('running');
    expect((await answerOf(root('activate', 'c2', 'switch', target))).code).toBe(73);
    expect((await answerOf(root('reboot'))).code).toBe(73);
    expect((await answerOf(root('forget', 'c1'))).code).toBe(73);
    rmSync(hold);
    await ended('c1');
    expect((await status('c1')).get('job')).toBe('ended');
  });

  it('changes only the boot default', async () => {
    await run(rebuild('atlas'));
    const before = current();
    await bench.repository.commit('atlas: a change', { host: 'atlas' });
    const target = await built('atlas');
    await run(root('activate', 'c1', 'boot', target));
    await ended('c1');
    expect([current(), realpathSync(join(bench.system, 'current-system'))]).toEqual([target, before]);
  });

  it('goes to a generation, and stops half-way', async () => {
    await run(rebuild('atlas'));
    const first = current();
    await bench.repository.commit('atlas: another change', { host: 'atlas' });
    await run(rebuild('atlas'));
    const second = current();
    await run(root('go', 'c1', '41'));
    await ended('c1');
    expect(current()).toBe(first);
    await run(root('activate', 'c2', 'switch', second), { NIXFLEET_DEMO_SPEED: '0.01' });
    expect((await answerOf(root('stop', 'c2'))).values.get('stopped')).toBe('yes');
    expect(file('c2', 'result')).toContain('stopped=yes\n');
    expect([current(), realpathSync(join(bench.system, 'current-system'))]).toEqual([first, first]);
    expect((await answerOf(root('stop', 'c2'))).values.get('stopped')).toBe('no');
  });

  it('goes back to a system when the timer fires, and the failed unit is gone', async () => {
    await run(rebuild('cygnus'));
    const old = current();
    await bench.repository.commit('cygnus: a change', { host: 'cygnus' });
    const target = await built('cygnus');
    await run(root('arm', 'c1', '780', old));
    expect((await status('c1')).get('timer')).toBe('armed');
    await run(root('activate', 'c1', 'test', target), { NIXFLEET_DEMO_FAILED_UNITS: 'cygnus' });
    await ended('c1');
    expect([current(), realpathSync(join(bench.system, 'current-system'))]).toEqual([old, target]);
    const units = ['systemctl', 'show', '--state=failed', '--property=Id,ActiveState', '--no-pager', '*'];
    expect((await run(units)).out).toContain('Id=fleet-status.service');
    expect((await answerOf(root('forget', 'c1'))).code).toBe(73);
    // The new delay replaces the one that runs.
    await run(root('arm', 'c1', '10', old));
    while ((await status('c1')).get('timer') !== 'fired');
    expect(realpathSync(join(bench.system, 'current-system'))).toBe(old);
    expect((await run(units)).out).not.toContain('Id=fleet-status.service');
    expect((await answerOf(root('disarm', 'c1'))).code).toBe(75);
    expect((await answerOf(root('arm', 'c1', '60', old))).code).toBe(75);
  });

  it('does not go back once the timer is disarmed, and stops an activation that hangs', async () => {
    await run(rebuild('atlas'));
    const old = current();
    await run(root('arm', 'c1', '60', old));
    expect((await answerOf(root('disarm', 'c1'))).values.get('timer')).toBe('disarmed');
    expect((await status('c1')).get('timer')).toBe('disarmed');
    expect((await answerOf(root('forget', 'c1'))).code).toBe(0);

    await bench.repository.commit('atlas: another one', { host: 'atlas' });
    const target = await built('atlas');
    await run(root('arm', 'c2', '60', old));
    await run(root('activate', 'c2', 'test', target), { NIXFLEET_DEMO_SPEED: '0.01' });
    await run(root('arm', 'c2', '10', old));
    while ((await status('c2')).get('timer') !== 'fired');
    expect(file('c2', 'back-result')).toContain('stopped_units=nixfleet-activate-c2.service\n');
  });

  it('leaves a failed unit on the hosts named in NIXFLEET_DEMO_FAILED_UNITS', async () => {
    const target = await built('cygnus');
    await run(root('activate', 'c1', 'switch', target), { NIXFLEET_DEMO_FAILED_UNITS: 'atlas, cygnus' });
    await ended('c1');
    expect(file('c1', 'result')).toContain('exit=4\n');
    expect(file('c1', 'output')).toContain('warning: the following units failed: fleet-status.service\n');
    const failed = ['systemctl', 'list-units', '--state=failed', '--plain', '--no-legend', '--no-pager', '--full'];
    expect((await run(failed)).out).toEqual(['fleet-status.service loaded failed failed Status page of this host']);
    const journal = await run(['journalctl', '--unit', 'fleet-status.service', '--lines', '10', '--output', 'cat']);
    expect(journal.out).toContain('fleet-status: cannot listen on 127.0.0.1:8090: address already in use');
    const active = await run(['systemctl', 'is-active', 'sshd.service', 'fleet-status.service']);
    expect([active.code, active.out]).toEqual([3, ['active', 'failed']]);
    // Another generation does not have it.
    await run(rebuild('atlas'));
    expect((await run(failed)).out).toEqual([]);
  });

  it.each([
    [64, ['frobnicate']],
    [64, ['activate', 'c1', 'destroy', '/nix/store/x']],
    [64, ['status', '../c1']],
    [64, ['in-unit', 'c1']],
    [65, ['activate', 'c1', 'switch', '/etc']],
    [65, ['go', 'c1', '7']],
    [64, ['arm', 'c1', '5', '/etc']],
    [65, ['arm', 'c1', '60', '/etc']],
    [66, ['status', 'c1']],
    [66, ['disarm', 'c1']],
  ])('refuses with exit code %i: %j', async (code, args) => {
    const answer = await answerOf(root(...args));
    expect(answer.code).toBe(code);
    expect(answer.err).toMatch(/^nixfleet-root: .+\.$/);
  });
});
