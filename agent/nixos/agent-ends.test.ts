/** A switch whose agent ends in the middle: the next agent finds out how it ended, and reports it. */
import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasNix } from '../root-helper/testing/nixos';
import { fileAppears } from '../testing/host';
import { useNixosBench, type NixosBench } from './testing/nixos-bench';

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

  it('is reported from its files where nixfleet-root no longer answers', async () => {
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

  it('leaves nothing behind when the agent is killed before it cleaned up', async () => {
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
    // On disk before nixfleet-root is called.
    expect(existsSync(`${bench.host.stateDir}/activation.json`)).toBe(true);
    await bench.start();
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'error',
      message: 'the agent stopped before the activation started: nothing has changed',
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
