/** Switches of the real agent as a service of the real systemd. The second boot goes on with the last of them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addScriptUnit, BOOT, createMachine, NOTHING_LEFT, property, systemctl, WAIT, type Machine } from './machine';

const LINES = Array.from({ length: 300 }, (_, index) => `line ${index + 1} of the activation`);
const printLines = (from: number, to: number) => `for n in {${from}..${to}}; do echo "line $n of the activation"; done`;
const HALF_WAY = 'the activation was stopped half-way: parts of the system may have changed';

describe.skipIf(BOOT !== 'first')('a switch under systemd (skipped where no container can be booted)', () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await createMachine();
    machine.configure({ version: '1' });
    await machine.startAgent();
  });
  afterEach(() => machine.reset());
  afterAll(() => machine.stop());

  it('reports its result and its whole output, and leaves neither unit nor files', async () => {
    machine.configure({ version: '2' });
    machine.does(printLines(1, 300), 'systemctl daemon-reload');
    machine.dashboard.command('pull-switch', 'plain');
    expect(await machine.result('plain')).toMatchObject({ status: 'ok', exit_code: 0, restarting: true });
    expect(machine.version()).toBe('2');
    expect([machine.bootDefault(), machine.generation()]).toEqual([machine.running(), 2]);
    expect(machine.output('plain').filter((line) => line.startsWith('line '))).toEqual(LINES);
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    // The exit code 101 is no failure of the agent's unit.
    expect(property('nixfleet-agent.service', 'Result')).toBe('success');
    expect(Number(property('nixfleet-agent.service', 'NRestarts'))).toBe(1);
  });

  it('that restarts the agent in the middle is reported by the next agent, each line once', async () => {
    const commit = machine.configure({ version: '3' });
    machine.does(printLines(1, 150), 'systemctl restart nixfleet-agent.service', printLines(151, 300));
    machine.dashboard.command('pull-switch', 'self');
    expect(await machine.result('self')).toMatchObject({ status: 'ok', exit_code: 0, restarting: false });
    expect(machine.version()).toBe('3');
    const output = machine.output('self');
    expect(output.filter((line) => line.startsWith('line '))).toEqual(LINES);
    expect(output).toContain(`✅ Pull+Switch completed: the system is built from ${commit.slice(0, 7)}`);
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
  });

  it('whose agent is killed while it builds has no result, changes nothing, and the next one succeeds', async () => {
    const before = machine.running();
    machine.configure({ version: '4', slow: true });
    machine.dashboard.command('pull-switch', 'built');
    await machine.appears('building');
    await machine.killAgent();
    // As a dashboard does with a command that the agent did not name.
    machine.dashboard.command('pull-switch', 'built');
    expect(await machine.result('built')).toMatchObject({
      status: 'error',
      message: 'the agent ended while this command ran: its result is unknown',
    });
    expect([machine.running(), machine.leftovers()]).toEqual([before, NOTHING_LEFT]);
    machine.configure({ version: '4b' });
    machine.dashboard.command('pull-switch', 'after-built');
    expect(await machine.result('after-built')).toMatchObject({ status: 'ok' });
    expect(machine.version()).toBe('4b');
  });

  it('whose agent is killed before nixfleet-root started has changed nothing', async () => {
    const before = machine.running();
    machine.configure({ version: '5' });
    machine.holds('activate');
    machine.dashboard.command('pull-switch', 'called');
    await machine.appears('held', 'activate.waits');
    await machine.killAgent();
    expect(await machine.result('called')).toMatchObject({
      status: 'error',
      message: 'the agent stopped before the activation started: nothing has changed',
    });
    expect(machine.running()).toBe(before);
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
  });

  it('whose agent is killed with nixfleet-root before the unit starts has changed nothing, and the next one succeeds', async () => {
    const before = machine.running();
    machine.configure({ version: '6' });
    machine.holds('systemd-run');
    machine.dashboard.command('pull-switch', 'requested');
    await machine.appears('held', 'systemd-run.waits');
    await machine.killAgent();
    expect(await machine.result('requested')).toMatchObject({
      status: 'error',
      message: 'the agent stopped before the activation started: nothing has changed',
    });
    expect(machine.running()).toBe(before);
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    machine.reset();
    machine.dashboard.command('switch', 'after-requested');
    expect(await machine.result('after-requested')).toMatchObject({ status: 'ok' });
    expect(machine.version()).toBe('6');
  });

  it('whose agent is killed right after it began is reported by the next agent, with its whole output', async () => {
    machine.configure({ version: '7' });
    machine.waits();
    machine.does(printLines(1, 300));
    machine.dashboard.command('pull-switch', 'begun');
    await machine.appears('stc', 'waits');
    await machine.killAgent();
    machine.goesOn();
    expect(await machine.result('begun')).toMatchObject({ status: 'ok', exit_code: 0 });
    expect(machine.version()).toBe('7');
    const output = machine.output('begun').filter((line) => /^line|^stopping|^activating/.test(line));
    expect(output).toEqual(['stopping the following units: b.service', 'activating the configuration...', ...LINES]);
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
  });

  it('that ends while no agent follows it is reported by the next agent', async () => {
    machine.configure({ version: '8' });
    machine.waits();
    machine.does(printLines(1, 300));
    machine.dashboard.command('pull-switch', 'ended');
    await machine.appears('stc', 'waits');
    machine.signalAgent('SIGSTOP');
    machine.goesOn();
    await machine.appears('state', 'cended', 'result');
    await machine.killAgent();
    expect(await machine.result('ended')).toMatchObject({ status: 'ok', exit_code: 0 });
    expect(machine.output('ended').filter((line) => line.startsWith('line '))).toEqual(LINES);
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
  });

  it('whose agent is killed before it cleaned up leaves nothing behind', async () => {
    machine.configure({ version: '9' });
    machine.holds('forget');
    machine.dashboard.command('pull-switch', 'reported');
    expect(await machine.dashboard.result('reported')).toMatchObject({ status: 'ok' });
    await machine.appears('held', 'forget.waits');
    machine.reset();
    await machine.killAgent();
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    const results = machine.dashboard.all('status').filter(({ payload }) => payload.command_id === 'reported');
    expect(results.map(({ payload }) => payload.status).filter((status) => status !== 'ok')).toEqual([]);
  });

  it('names a unit that has failed since, with its last lines, and none that failed before', async () => {
    addScriptUnit('nft-old.service', 'exit 1');
    addScriptUnit('nft-new.service', 'echo the last words of the new unit; exit 1');
    systemctl('daemon-reload');
    expect(() => systemctl('start', 'nft-old.service')).toThrow();
    machine.configure({ version: '10' });
    machine.ends(4);
    machine.does('systemctl start nft-new.service || :', 'journalctl --sync');
    machine.dashboard.command('pull-switch', 'units');
    expect(await machine.result('units')).toMatchObject({
      status: 'warning',
      exit_code: 4,
      message: 'Switched, but unit nft-new.service failed',
    });
    expect(machine.output('units')).toContain('  the last words of the new unit');
    systemctl('reset-failed');
  });

  it('that hangs is not ended by a stop; a kill ends it half-way and frees the host', async () => {
    machine.configure({ version: '11' });
    machine.hangs();
    machine.dashboard.command('pull-switch', 'hangs');
    await machine.appears('stc', 'hangs');
    machine.dashboard.command('stop', 'stop', { target: 'hangs' });
    expect(await machine.result('stop')).toMatchObject({ status: 'error' });
    expect(property('nixfleet-activate-changs.service', 'ActiveState')).toBe('active');
    machine.dashboard.send('kill_command', { pid: 0, signal: 'SIGKILL' });
    expect(await machine.result('hangs')).toMatchObject({ status: 'error', message: HALF_WAY });
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
    machine.reset();
    machine.dashboard.command('switch', 'after-hang');
    expect(await machine.result('after-hang')).toMatchObject({ status: 'ok' });
    expect(machine.version()).toBe('11');
  });

  it('whose unit is killed by someone else is half-way', async () => {
    machine.configure({ version: '12' });
    machine.hangs();
    machine.dashboard.command('pull-switch', 'unit');
    await machine.appears('stc', 'hangs');
    systemctl('kill', '--signal=SIGKILL', 'nixfleet-activate-cunit.service');
    expect(await machine.result('unit')).toMatchObject({
      status: 'error',
      exit_code: 137,
      message: 'the activation was killed half-way: parts of the system may have changed',
    });
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
  });

  it('whose activation script fails (2) is active, with a warning', async () => {
    machine.configure({ version: '13' });
    machine.ends(2);
    machine.dashboard.command('pull-switch', 'script');
    expect(await machine.result('script')).toMatchObject({
      status: 'warning',
      exit_code: 2,
      message: 'Switched, but switch-to-configuration failed with exit code 2',
    });
    expect(machine.version()).toBe('13');
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
  });

  it('that only a restart can activate (100) is the boot default, with a warning', async () => {
    const before = machine.running();
    machine.configure({ version: '14' });
    machine.ends(100);
    machine.dashboard.command('pull-switch', 'at-boot');
    expect(await machine.result('at-boot')).toMatchObject({ status: 'warning', exit_code: 100, restarting: false });
    expect(machine.running()).toBe(before);
    expect(machine.bootDefault()).toBe(machine.system(machine.generation()));
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
  });

  it('is refused, and nothing changes, while another one holds the lock (11)', async () => {
    const before = [machine.running(), machine.generation()];
    machine.configure({ version: '15' });
    machine.ends(11);
    machine.dashboard.command('pull-switch', 'locked');
    expect(await machine.result('locked')).toMatchObject({
      status: 'error',
      exit_code: 11,
      message: 'another switch is running on this host',
    });
    expect([machine.running(), machine.generation()]).toEqual(before);
  });

  it('goes back by the timer of nixfleet-root, which a daemon-reload does not stop', async () => {
    const old = machine.running();
    const other = machine.system(1);
    expect(machine.root('arm', 'timer', '10', old)).toMatchObject({ timer: 'armed' });
    machine.root('activate', 'timer', 'test', other);
    await expect.poll(() => machine.running(), WAIT).toBe(other);
    systemctl('daemon-reload');
    await expect.poll(() => machine.root('status', 'timer')['timer'], WAIT).toBe('fired');
    expect(machine.running()).toBe(old);
    expect(machine.root('status', 'timer')).toMatchObject({ 'back-result.exit': '0', 'back-result.running': old });
    machine.root('forget', 'timer');
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
  });

  it('does not go back once the timer is disarmed, after a daemon-reload as well', async () => {
    const { unit = '' } = machine.root('arm', 'disarmed', '10', machine.running());
    expect(property(unit, 'ActiveState')).toBe('active');
    systemctl('daemon-reload');
    expect(machine.root('disarm', 'disarmed')).toMatchObject({ timer: 'disarmed' });
    systemctl('daemon-reload');
    expect(property(unit, 'LoadState')).toBe('not-found');
    expect(property(unit.replace('.timer', '.service'), 'LoadState')).toBe('not-found');
    machine.root('forget', 'disarmed');
    await expect.poll(() => machine.leftovers(), WAIT).toEqual(NOTHING_LEFT);
  });

  it('is under way when the machine restarts (the second boot checks the result)', async () => {
    machine.configure({ version: '16' });
    machine.waits();
    machine.dashboard.command('pull-switch', 'reboot');
    await machine.appears('stc', 'waits');
    expect(property('nixfleet-activate-creboot.service', 'ActiveState')).toBe('active');
  });
});
