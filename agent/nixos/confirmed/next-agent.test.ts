/** Whether the agent of the new system could confirm: known before anything is activated. */
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { AGENT_CAPABILITIES, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import { hasNix } from '../../root-helper/testing/nixos';
import { useNixosBench, type NixosBench } from '../testing/nixos-bench';

const CHECKS = { units: { settle: 0 }, tests: 'off' };
const WINDOW = { confirm: { window_s: 180 } };
const CAPABLE = [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES];

describe.skipIf(!hasNix)('a confirmed switch to a system (skipped without Nix)', () => {
  let bench: NixosBench;
  let own = '';
  let old = '';
  useNixosBench((made) => (bench = made));

  /** The agent of the running system, as its unit starts it. */
  beforeEach(async () => {
    bench.dashboard.settings.accepts = ['confirmation'];
    own = bench.packageAgent('a', CAPABLE);
    bench.configure({ version: '2', checks: CHECKS, agent: own });
    const first = await bench.start();
    const id = 'first';
    bench.dashboard.command('pull-switch', id);
    expect(await bench.dashboard.result(id)).toMatchObject({ status: 'ok', restarting: true });
    await first.exit;
    old = bench.nixos.running();
  });

  const switches = (agent: string | undefined) => {
    bench.configure({ version: '3', checks: CHECKS, ...(agent === undefined ? {} : { agent }) });
    bench.dashboard.command('pull-switch', 'sw', WINDOW);
  };
  const waits = (from = 0) =>
    bench.dashboard.frame(
      'confirmation',
      ({ stage, checks }) => stage === 'waiting' && checks.every(({ status }) => status === 'passed'),
      from,
    );
  const keep = () => bench.dashboard.send('confirm', { command_id: 'sw', keep: true, by_operator: false });
  /** A switch to a system with agent `b`, for which the running agent has made place. Gives its program. */
  const handedOver = async () => {
    const agent = await bench.start({}, own);
    const next = bench.packageAgent('b', CAPABLE);
    switches(next);
    expect(await agent.exit).toEqual({ code: 101, signal: null });
    return next;
  };

  it('with the same agent is confirmed by this process', async () => {
    await bench.start({}, own);
    switches(own);
    await waits();
    keep();
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
  });

  it('with another agent that can confirm is confirmed by that one, which goes on with the command', async () => {
    const next = await handedOver();
    const from = bench.dashboard.received.length;
    await bench.start({}, next);
    await waits(from);
    keep();
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
    expect(bench.dashboard.all('register').at(-1)?.payload.running).toEqual({ command_id: 'sw' });
  });

  it('is followed by its files where nixfleet-root no longer answers, and goes back', async () => {
    const next = await handedOver();
    // As where the new system has no rule of sudo.
    bench.host.program('sudo', 'echo "sudo: a password is required" >&2; exit 1');
    const from = bench.dashboard.received.length;
    await bench.start({}, next);
    await waits(from);
    bench.nixos.elapse('csw', 2);
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'error', rolled_back: 'no-contact' });
    expect(bench.nixos.running()).toBe(old);
  });

  it('is made the boot default although nixfleet-root did not answer once', async () => {
    const next = await handedOver();
    const once = bench.nixos.path('failed-once');
    bench.host.program(
      'sudo',
      `[ "$1" = -n ] && shift\ncase "$2 $3" in 'status csw-boot') [ -e ${once} ] || { touch ${once}; exit 1; };; esac\nexec "$@"`,
    );
    const from = bench.dashboard.received.length;
    await bench.start({}, next);
    await waits(from);
    keep();
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
    expect(readFileSync(once, 'utf8')).toBe('');
  });

  it('makes place for the agent of that system again after an attempt that ended with a restart of the host', async () => {
    await handedOver();
    bench.nixos.restarted(old, 'csw');
    const file = `${bench.host.stateDir}/activation.json`;
    const record = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...record, bootId: 'before' }));
    const agent = await bench.start({}, own);
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'error', rolled_back: 'restarted' });
    bench.dashboard.command('switch', 'again', WINDOW);
    expect(await agent.exit).toEqual({ code: 101, signal: null });
  });

  it('with other settings of the agent is confirmed by a process that has them', async () => {
    const agent = await bench.start({}, own);
    bench.configure({ version: '3', checks: CHECKS, agent: own, agentSetting: 'NIXFLEET_INTERVAL=9' });
    bench.dashboard.command('pull-switch', 'sw', WINDOW);
    expect(await agent.exit).toEqual({ code: 101, signal: null });
    const from = bench.dashboard.received.length;
    await bench.start({}, own);
    await waits(from);
    keep();
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
  });

  it.each([
    ['that does not say what it can do, as one of 4.0.0 or the Go agent', null],
    ['that can’t confirm', AGENT_CAPABILITIES],
  ] as const)('with an agent %s is not confirmed, and says so before it activates', async (_agent, capabilities) => {
    await bench.start({}, own);
    switches(bench.packageAgent('c', capabilities));
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', restarting: true });
    const output = bench.output('sw');
    const said = output.indexOf('This switch is not confirmed: the agent of the new system can’t take a switch back.');
    expect(said).toBeGreaterThan(0);
    expect(output.indexOf('activating the configuration...')).toBeGreaterThan(said);
    expect(bench.dashboard.all('confirmation')).toEqual([]);
    expect(readFileSync(`${bench.nixos.running()}/nixos-version`, 'utf8')).toBe('3\n');
  });

  it('without an agent is refused, and changes nothing', async () => {
    await bench.start({}, own);
    switches(undefined);
    const result = await bench.dashboard.result('sw');
    expect([result.status, result.rolled_back]).toEqual(['error', undefined]);
    expect(result.message).toContain('the new system has no NixFleet agent, so nobody could confirm it');
    expect(bench.nixos.running()).toBe(old);
    expect(bench.changes().some((call) => call.includes('nixfleet-back'))).toBe(false);
  });

  it('without an agent is activated where the dashboard does not confirm it', async () => {
    const agent = await bench.start({}, own);
    bench.configure({ version: '3', checks: CHECKS });
    bench.dashboard.command('pull-switch', 'sw');
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
    await agent.exit;
    expect(bench.nixos.running()).not.toBe(old);
  });
});
