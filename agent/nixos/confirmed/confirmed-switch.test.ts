/** A switch that takes itself back, with the real agent, the real Nix and the real nixfleet-root. Timers elapse by hand. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { hasNix } from '../../root-helper/testing/nixos';
import type { AgentProcess } from '../../testing/host';
import { fileAppears } from '../../testing/host';
import { useNixosBench, type NixosBench, type SystemSource } from '../testing/nixos-bench';
import type { FrameOf } from '../../testing/dashboard';

type Confirmation = FrameOf<'confirmation'>['payload'];

/** Units settle at once, so that only what a test is about takes time. */
const CHECKS = { units: { settle: 0 }, tests: 'off' };
const ACCEPTS = ['confirmation'];
const WINDOW = { confirm: { window_s: 180 } };

describe.skipIf(!hasNix)('a confirmed switch (skipped without Nix)', () => {
  let bench: NixosBench;
  let old = '';
  useNixosBench((made) => (bench = made));
  beforeEach(() => {
    old = bench.nixos.running();
    bench.dashboard.settings.accepts = ACCEPTS;
  });

  const configure = (more: Partial<SystemSource> = {}) => bench.configure({ version: '2', checks: CHECKS, ...more });
  const switches = () => bench.dashboard.command('switch', 'sw', WINDOW);
  const stage = (wanted: Confirmation['stage'], test: (payload: Confirmation) => boolean = () => true, from = 0) =>
    bench.dashboard.frame('confirmation', (payload) => payload.stage === wanted && test(payload), from);
  const answer = (keep: boolean, byOperator = false) =>
    bench.dashboard.send('confirm', { command_id: 'sw', keep, by_operator: byOperator });
  /** Waits until the checks have passed and the window is open. */
  const ready = () => stage('waiting', ({ checks }) => checks.every(({ status }) => status === 'passed'));
  /** The timer of that round elapses, once it is armed. */
  const back = async (round = 2) => {
    await fileAppears(bench.nixos.path('units', `nixfleet-back-csw.${round}.timer`));
    bench.nixos.elapse('csw', round);
  };
  const isTidy = async () => {
    await expect.poll(() => existsSync(`${bench.host.stateDir}/activation.json`), { timeout: 20_000 }).toBe(false);
    expect([existsSync(join(bench.nixos.stateDir, 'csw')), bench.nixos.roots()]).toEqual([false, []]);
  };
  const restarted = async (agent: AgentProcess, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL') => {
    agent.child.kill(signal);
    await agent.exit;
    return bench.start();
  };

  it('is kept once it is confirmed on a new connection, and becomes the boot default only then', async () => {
    configure();
    await bench.start();
    switches();
    const { seconds_left: left, system, previous } = await ready();
    expect(left).toBeGreaterThan(150);
    expect([bench.nixos.running(), previous]).toEqual([system, old]);
    expect(bench.nixos.running()).not.toBe(old);
    // A restart would boot the old system.
    expect([bench.nixos.generation(), bench.nixos.bootDefault()]).toEqual([1, '']);
    const [first, second] = bench.dashboard.all('register');
    expect(first?.payload.running).toBeNull();
    expect(second?.payload.running).toEqual({ command_id: 'sw' });
    answer(true);
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok', restarting: false });
    expect([bench.nixos.generation(), bench.nixos.bootDefault()]).toEqual([2, system]);
    await isTidy();
  });

  it('ignores a confirmation of a connection from before the activation', async () => {
    configure();
    await bench.start();
    bench.nixos.waits();
    switches();
    await fileAppears(bench.nixos.path('stc', 'waits'));
    answer(true);
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    await ready();
    const stages = bench.dashboard.all('confirmation').map(({ payload }) => payload.stage);
    expect(stages).not.toContain('keeping');
    answer(true);
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
  });

  it('goes back when nobody confirms it', async () => {
    configure();
    await bench.start();
    switches();
    await ready();
    await back();
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'error',
      rolled_back: 'no-contact',
      message: 'no dashboard confirmed it within 180 s',
    });
    expect([bench.nixos.running(), bench.nixos.generation()]).toEqual([old, 1]);
    await bench.dashboard.frame('heartbeat', ({ update_status: status }) =>
      (status?.system.message ?? '').startsWith('Rolled back: no dashboard'),
    );
    await isTidy();
  });

  it('goes back when an operator reverts it, and keeps it when an operator says so before the checks have passed', async () => {
    configure({
      checks: { ...CHECKS, checks: [{ kind: 'command', name: 'slow', command: ['false'], interval: 300 }] },
    });
    await bench.start();
    switches();
    await stage('waiting');
    answer(false, true);
    await stage('going-back');
    await back(3);
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'error', rolled_back: 'operator' });
    expect(bench.nixos.running()).toBe(old);
    bench.dashboard.command('switch', 'again', WINDOW);
    await bench.dashboard.frame(
      'confirmation',
      (payload) => payload.command_id === 'again' && payload.stage === 'waiting',
    );
    // The dashboard alone may not overrule checks.
    bench.dashboard.send('confirm', { command_id: 'again', keep: true, by_operator: false });
    bench.dashboard.send('confirm', { command_id: 'again', keep: true, by_operator: true });
    expect(await bench.dashboard.result('again')).toMatchObject({ status: 'ok' });
    expect(bench.nixos.running()).not.toBe(old);
  });

  it('goes back when an enforced check has not passed in time, and names it', async () => {
    configure({
      checks: { ...CHECKS, checks: [{ kind: 'command', name: 'slow', command: ['false'], interval: 300 }] },
    });
    await bench.start();
    switches();
    await stage('waiting');
    await back();
    expect(await bench.dashboard.result('sw')).toMatchObject({
      rolled_back: 'check-failed',
      message: 'the check slow had not passed within 180 s',
    });
    expect(bench.nixos.running()).toBe(old);
  });

  it('goes back when an enforced check fails, and shows why', async () => {
    const server = createServer((_request, response) => response.writeHead(503).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const web = { kind: 'http', name: 'web', url: `http://127.0.0.1:${port}/`, tries: 2, interval: 1 };
    const observed = { kind: 'command', name: 'observed', command: ['false'], tries: 1, enforced: false };
    configure({ checks: { ...CHECKS, checks: [web, observed] } });
    await bench.start();
    switches();
    const { checks } = await stage('going-back', (payload) => payload.checks.length > 0);
    expect(checks.find(({ name }) => name === 'web')).toMatchObject({
      status: 'failed',
      before: 'failed',
      enforced: true,
      reason: 'status 503 instead of 200',
    });
    await back(3);
    expect(await bench.dashboard.result('sw')).toMatchObject({
      rolled_back: 'check-failed',
      message: 'the check web failed: status 503 instead of 200',
    });
    expect(bench.nixos.running()).toBe(old);
    const backReports = bench.dashboard.all('confirmation').filter(({ payload }) => payload.stage === 'going-back');
    expect(backReports.map(({ payload }) => payload.checks.length)).toEqual([3]);
    // The time that is left of the window says nothing any more.
    expect(backReports[0]?.payload.seconds_left).toBeNull();
    server.close();
  });

  it.each([
    ['a unit fails that did not before', ['old.service', 'new.service'], 'back'],
    ['only units fail that failed before, or that are ignored', ['old.service', 'flaky-1.service'], 'kept'],
  ] as const)('when %s', async (_title, failing, end) => {
    configure({ checks: { ...CHECKS, units: { settle: 0, ignore: ['flaky-*.service'] } } });
    await bench.start();
    bench.failedUnits('old.service');
    bench.nixos.waits();
    bench.nixos.ends(4);
    switches();
    await fileAppears(bench.nixos.path('stc', 'waits'));
    bench.failedUnits(...failing);
    rmSync(bench.nixos.path('stc', 'wait'));
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    if (end === 'kept') {
      await ready();
      bench.nixos.ends(0);
      answer(true);
      expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
      return;
    }
    await stage('going-back');
    bench.nixos.ends(0);
    await back(3);
    expect(await bench.dashboard.result('sw')).toMatchObject({
      rolled_back: 'check-failed',
      message: 'units failed: new.service',
    });
    expect(bench.output('sw')).toContain('  the last words of new.service');
  });

  it.each([
    [2, 'rolled back', 'activation-failed'],
    [1, 'unchanged', undefined],
    [11, 'unchanged', undefined],
    [100, 'unchanged', undefined],
  ] as const)('whose activation ends with %i is %s', async (code, end, reason) => {
    configure();
    await bench.start();
    bench.nixos.ends(code);
    switches();
    if (end === 'rolled back') {
      await stage('going-back');
      bench.nixos.ends(0);
      await back(2);
    }
    const result = await bench.dashboard.result('sw');
    expect(result).toMatchObject({ status: 'error' });
    expect(result.rolled_back).toBe(reason);
    expect([bench.nixos.running(), bench.nixos.generation()]).toEqual([old, 1]);
    await isTidy();
  });

  it('whose activation hangs is ended by the timer, which then goes back', async () => {
    configure();
    await bench.start();
    bench.nixos.hangs('any');
    switches();
    await fileAppears(bench.nixos.path('stc', 'hangs'));
    bench.nixos.hangs(null);
    await back(1);
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'error', rolled_back: 'activation-hung' });
    expect(bench.nixos.running()).toBe(old);
  });

  it('goes on after SIGKILL of the agent in the activation and in the window', async () => {
    configure();
    let agent = await bench.start();
    bench.nixos.waits();
    switches();
    await fileAppears(bench.nixos.path('stc', 'waits'));
    agent = await restarted(agent);
    writeFileSync(bench.nixos.path('stc', 'go-on'), '');
    await ready();
    const from = bench.dashboard.received.length;
    await restarted(agent, 'SIGTERM');
    await stage('waiting', ({ checks }) => checks.every(({ status }) => status === 'passed'), from);
    answer(true);
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
    expect(bench.output('sw').filter((line) => line === 'activating the configuration...')).toHaveLength(1);
    expect(bench.nixos.generation()).toBe(2);
  });

  it('is made the boot default by the next agent when this one is killed after it disarmed the timer', async () => {
    configure();
    const agent = await bench.start();
    switches();
    await ready();
    // nixfleet-root disarms, and its answer never comes.
    bench.host.program(
      'sudo',
      `[ "$1" = -n ] && shift\nif [ "$2" = disarm ]; then "$@"; touch ${bench.nixos.path('disarmed')}; exec sleep 1000; fi\nexec "$@"`,
    );
    answer(true);
    await fileAppears(bench.nixos.path('disarmed'));
    bench.host.program('sudo', '[ "$1" = -n ] && shift\nexec "$@"');
    await restarted(agent);
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
    expect(bench.nixos.generation()).toBe(2);
    await isTidy();
  });

  it('leaves nothing behind when the agent is killed before it cleaned up', async () => {
    configure();
    const agent = await bench.start();
    const waits = `[ "$1" = -n ] && shift\ncase "$2" in forget) touch ${bench.nixos.path('forgets')}; exec sleep 1000;; esac`;
    bench.host.program('sudo', `${waits}\nexec "$@"`);
    switches();
    await ready();
    answer(true);
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
    await fileAppears(bench.nixos.path('forgets'));
    bench.host.program('sudo', '[ "$1" = -n ] && shift\nexec "$@"');
    await restarted(agent);
    await isTidy();
    expect(existsSync(join(bench.nixos.stateDir, 'csw-boot'))).toBe(false);
  });

  it('is reported as rolled back by the next agent when the timer fired without one', async () => {
    configure();
    const agent = await bench.start();
    switches();
    await ready();
    agent.child.kill('SIGKILL');
    await agent.exit;
    await back();
    await fileAppears(join(bench.nixos.stateDir, 'csw', 'back-result'));
    await bench.start();
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'error', rolled_back: 'no-contact' });
  });

  it('did not begin when the agent was killed between timer and activation', async () => {
    configure();
    const agent = await bench.start();
    bench.host.program(
      'sudo',
      `[ "$1" = -n ] && shift\ncase "$2" in activate) touch ${bench.nixos.path('called')}; exec sleep 1000;; esac\nexec "$@"`,
    );
    switches();
    await fileAppears(bench.nixos.path('called'));
    agent.child.kill('SIGKILL');
    await agent.exit;
    bench.host.program('sudo', '[ "$1" = -n ] && shift\nexec "$@"');
    await bench.start();
    expect(await bench.dashboard.result('sw')).toMatchObject({
      status: 'error',
      message: 'the agent stopped before the activation started: nothing has changed',
    });
    expect(bench.nixos.running()).toBe(old);
    await isTidy();
  });

  it.each([
    ['the window', 'the old system', 'waiting', true],
    ['the window', 'another system that was made the boot default', 'waiting', false],
    ['the moment after the confirmation', 'the old system', 'keeping', true],
  ] as const)(
    'after a restart of the host in %s that boots %s does not claim that the new one runs',
    async (_when, _what, stageThen, bootsOld) => {
      configure();
      const agent = await bench.start();
      switches();
      await ready();
      agent.child.kill('SIGKILL');
      await agent.exit;
      const booted = bootsOld
        ? old
        : bench.nixos.build('nixos-system-h1-other', 'mkdir -p $out/bin; touch $out/nixos-version');
      bench.nixos.restarted(booted, 'csw');
      const file = `${bench.host.stateDir}/activation.json`;
      const record = JSON.parse(readFileSync(file, 'utf8')) as { confirm: object };
      writeFileSync(
        file,
        JSON.stringify({ ...record, bootId: 'before', confirm: { ...record.confirm, stage: stageThen } }),
      );
      await bench.start();
      const result = await bench.dashboard.result('sw');
      expect([result.status, result.rolled_back]).toEqual(['error', bootsOld ? 'restarted' : undefined]);
      expect(result.message).toContain('the host restarted before the confirmation');
      expect(bench.nixos.running()).toBe(booted);
    },
  );

  it('ends, and says what runs, when somebody on the host disarms the timer while it goes back', async () => {
    configure();
    await bench.start();
    switches();
    await ready();
    const { system } = await stage('waiting');
    answer(false, true);
    await fileAppears(bench.nixos.path('units', 'nixfleet-back-csw.3.timer'));
    bench.nixos.ok('disarm', 'csw');
    const result = await bench.dashboard.result('sw');
    expect([result.status, result.rolled_back]).toEqual(['error', undefined]);
    expect(result.message).toContain(`${system} is running`);
  });

  it('can’t be stopped in its window: revert it', async () => {
    configure();
    await bench.start();
    switches();
    await ready();
    bench.dashboard.command('stop', 'st', { target: 'sw' });
    expect((await bench.dashboard.result('st')).message).toContain('use Revert now');
    answer(true);
    expect(await bench.dashboard.result('sw')).toMatchObject({ status: 'ok' });
  });
});
