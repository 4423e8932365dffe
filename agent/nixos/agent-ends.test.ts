/** A switch whose agent ends in the middle: the next agent finds out how it ended, and reports it. */
import { existsSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { hasNix } from '../root-helper/testing/nixos';
import { fileAppears, type AgentProcess } from '../testing/host';
import { useNixosBench, type NixosBench } from './testing/nixos-bench';

describe.skipIf(!hasNix)('a switch that its agent does not survive (skipped without Nix)', () => {
  let bench: NixosBench;
  useNixosBench((made) => (bench = made));

  /** The agent of a switch that waits in its activation. */
  async function switching(command: 'switch' | 'pull-switch', id: string): Promise<AgentProcess> {
    bench.configure({ version: '2' });
    const agent = await bench.start();
    bench.nixos.waits();
    bench.dashboard.command(command, id);
    await fileAppears(bench.nixos.path('stc', 'waits'));
    return agent;
  }
  const goOn = () => writeFileSync(bench.nixos.path('stc', 'go-on'), '');
  async function kill(agent: AgentProcess): Promise<void> {
    agent.child.kill('SIGKILL');
    await agent.exit;
  }

  it('is reported with its whole output and its true result by the next agent', async () => {
    await kill(await switching('switch', 'sw'));
    goOn();
    await bench.start();
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', exit_code: 0 });
    const output = bench.output('sw');
    expect(output.filter((line) => line === 'activating the configuration...')).toHaveLength(1);
    expect(output).toContain(
      '✅ Switch completed: the system is built from ' + bench.host.git(['rev-parse', '--short=7', 'HEAD']),
    );
    // Removed once the result is saved.
    const file = `${bench.host.stateDir}/activation.json`;
    await expect.poll(() => existsSync(file)).toBe(false);
  });

  it('is reported by the next agent when it ended in between', async () => {
    bench.nixos.ends(4);
    bench.failedUnits('before.service');
    await kill(await switching('switch', 'sw'));
    bench.failedUnits('before.service', 'a.service');
    goOn();
    await fileAppears(`${bench.nixos.stateDir}/csw/result`);
    await bench.start();
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'warning',
      exit_code: 4,
      message: 'Switched, but unit a.service failed',
    });
  });

  it('is reported from its files where nixfleet-root no longer answers', async () => {
    await kill(await switching('switch', 'sw'));
    // As after a switch to a system without the rule of sudo.
    bench.host.program('sudo', 'echo "sudo: a password is required" >&2; exit 1');
    goOn();
    await bench.start();
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', exit_code: 0 });
    expect(bench.output('sw').filter((line) => line === 'activating the configuration...')).toHaveLength(1);
  });

  it('is lost, not done, when its unit was killed as well', async () => {
    await kill(await switching('switch', 'sw'));
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
    await kill(agent);
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
    await kill(agent);
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
    const agent = await switching('pull-switch', 'ps');
    agent.child.kill('SIGTERM');
    expect(await agent.exit).toEqual({ code: 0, signal: null });
    expect(
      bench.dashboard.received.some(({ frame }) => frame.type === 'status' && frame.payload.command_id === 'ps'),
    ).toBe(false);
    goOn();
    await bench.start();
    expect(await bench.dashboard.result('ps')).toMatchObject({ status: 'ok' });
  });
});
