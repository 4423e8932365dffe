/** nixfleet-root does its work, and its answer is missing or an error: what a confirmed switch then is reported as. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { hasNix } from '../../root-helper/testing/nixos';
import { fileAppears } from '../../testing/host';
import { useNixosBench, type NixosBench } from '../testing/nixos-bench';

const CHECKS = { units: { settle: 0 }, tests: 'off' };
const WINDOW = { confirm: { window_s: 180 } };
const PLAIN = '[ "$1" = -n ] && shift\n';

describe.skipIf(!hasNix)('a switch whose call of nixfleet-root has no clear answer (skipped without Nix)', () => {
  let bench: NixosBench;
  let old = '';
  useNixosBench((made) => (bench = made));
  beforeEach(async () => {
    old = bench.nixos.running();
    bench.dashboard.settings.accepts = ['confirmation'];
    bench.configure({ version: '2', checks: CHECKS });
    await bench.start();
  });

  /** Calls of this command run this instead. */
  const sudo = (command: string, script: string) =>
    bench.host.program('sudo', `${PLAIN}case "$2" in ${command}) ${script};; esac\nexec "$@"`);
  /** It runs, and sudo then ends as when it is stopped: without an answer, with a code that says nothing. */
  const losesAnswerOf = (command: string) => sudo(command, '"$@" >/dev/null 2>&1; exit 1');
  const switches = (confirmed = true) => bench.dashboard.command('switch', 'sw', confirmed ? WINDOW : {});
  const timer = () => bench.nixos.ok('status', 'csw')['timer'];

  it('is followed to its end when the activation runs, and stays guarded until it is confirmed', async () => {
    losesAnswerOf('activate');
    bench.nixos.waits();
    switches();
    await fileAppears(bench.nixos.path('stc', 'waits'));
    // The agent has found out that it runs.
    await bench.dashboard.frame('confirmation', ({ stage }) => stage === 'activating');
    expect(timer()).toBe('armed');
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    await bench.dashboard.frame(
      'confirmation',
      ({ stage, checks }) => stage === 'waiting' && checks.every(({ status }) => status === 'passed'),
    );
    expect([bench.nixos.running() === old, timer()]).toEqual([false, 'armed']);
    bench.dashboard.send('confirm', { command_id: 'sw', keep: true, by_operator: false });
    // The answer of its last step is lost as well.
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
    expect(bench.nixos.generation()).toBe(2);
  });

  it('is followed to its end without a confirmation as well', async () => {
    losesAnswerOf('activate');
    switches(false);
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
    expect(bench.nixos.running()).not.toBe(old);
  });

  it('has activated nothing when nixfleet-root says so', async () => {
    sudo('activate', 'exit 1');
    switches();
    const { status, message } = await bench.dashboard.result('sw');
    expect([status, message.startsWith('nothing was activated: ')]).toEqual(['error', true]);
    expect(bench.nixos.running()).toBe(old);
    await expect.poll(() => existsSync(`${bench.nixos.stateDir}/csw`)).toBe(false);
  });

  it('does not go back later when its timer can’t be disarmed at first', async () => {
    const once = bench.nixos.path('failed-once');
    sudo('disarm', `[ -e ${once} ] || { touch ${once}; exit 1; }`);
    bench.nixos.ends(1);
    switches();
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'error', exit_code: 1 });
    await expect.poll(() => existsSync(`${bench.nixos.stateDir}/csw`)).toBe(false);
    expect(bench.nixos.running()).toBe(old);
  });

  it('ends after its timer has fired when that can’t be disarmed, and says what happened', async () => {
    sudo('disarm', 'echo "nixfleet-root: systemd does not answer." >&2; exit 70');
    bench.nixos.ends(1);
    switches();
    await expect.poll(() => bench.output('sw').join('\n'), { timeout: 30_000 }).toContain('waiting for that');
    expect(bench.dashboard.received.some(({ frame }) => frame.type === 'status')).toBe(false);
    bench.nixos.ends(0);
    bench.nixos.elapse('csw', 1);
    const result = await bench.dashboard.result('sw');
    expect(result).toMatchObject({ status: 'error', exit_code: 1 });
    expect(result.rolled_back).toBeUndefined();
    expect(bench.nixos.running()).toBe(old);
  });

  it('asks nixfleet-root once in many looks when the timer only seems overdue, as after the host was suspended', async () => {
    const attempts = bench.nixos.path('attempts');
    const script = `echo >>${attempts}; [ "$(wc -l <${attempts})" -gt 4 ] && [ -e ${bench.nixos.path('overdue')} ]`;
    const slow = { kind: 'command', name: 'slow', command: ['sh', '-c', script], tries: 60, interval: 1 };
    bench.configure({ version: '3', checks: { ...CHECKS, checks: [slow] } });
    bench.dashboard.command('pull-switch', 'sw', WINDOW);
    const { seconds_left: left } = await bench.dashboard.frame('confirmation', ({ stage }) => stage === 'waiting');
    expect(left).toBeGreaterThan(150);
    const calls = bench.nixos.path('status-calls');
    sudo('status', `echo >>${calls}`);
    const armed = join(bench.nixos.stateDir, 'csw', 'armed');
    const text = readFileSync(armed, 'utf8');
    chmodSync(armed, 0o640);
    writeFileSync(armed, text.replace(/^uptime=.*$/m, 'uptime=-100000.00 0.00'));
    // The check passes after four more attempts, a second apart.
    writeFileSync(bench.nixos.path('overdue'), '');
    writeFileSync(attempts, '');
    await bench.dashboard.frame(
      'confirmation',
      ({ stage, checks }) => stage === 'waiting' && checks.every(({ status }) => status === 'passed'),
    );
    expect(readFileSync(calls, 'utf8')).toBe('\n');
    bench.dashboard.send('confirm', { command_id: 'sw', keep: true, by_operator: false });
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
  });
});
