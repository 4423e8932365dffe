/** The commands of the real agent as a process: how they run, stop and end. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { useAgentBench, type AgentBench } from './testing/agent-bench';
import { type TestDashboard } from './testing/dashboard';
import { fileAppears, processEnds, runsIn, type TestHost } from './testing/host';

let bundle = '';
let host: TestHost;
let dashboard: TestDashboard;
let connect: AgentBench['connect'];

useAgentBench((made) => ({ bundle, host, dashboard, connect } = made));

describe('commands', () => {
  const slowSwitch = (): void =>
    host.program(
      'nixos-rebuild',
      `echo run >> ${host.path('runs')}; sleep 300 & echo $! > ${host.path('grandchild.tmp')}; mv ${host.path('grandchild.tmp')} ${host.path('grandchild')}; wait`,
    );

  it('stop during a switch ends the whole group, the agent survives, and one stopped result is sent', async () => {
    const agent = await connect();
    slowSwitch();
    dashboard.command('switch', 'sw');
    await fileAppears(host.path('grandchild'));
    const grandchild = Number(readFileSync(host.path('grandchild'), 'utf8'));
    const { command_pid: pid } = await dashboard.frame('heartbeat', (payload) => payload.command_pid !== null);
    dashboard.command('stop', 'stop-1', { target: 'sw' });
    expect(await dashboard.result('stop-1')).toMatchObject({ status: 'ok', command: 'stop' });
    expect(await dashboard.result('sw')).toMatchObject({ status: 'stopped', command: 'switch', exit_code: 130 });
    await processEnds(grandchild);
    await processEnds(pid ?? 0);
    dashboard.command('pull', 'after');
    expect(await dashboard.result('after')).toMatchObject({ status: 'ok' });
    expect(dashboard.all('status').filter(({ payload }) => payload.status === 'stopped')).toHaveLength(1);
    expect(agent.child.exitCode).toBeNull();
    expect(dashboard.connections()).toBe(1);
  });

  it('sends only the result of the stopped command to a protocol-2 dashboard', async () => {
    dashboard.settings.protocol = 2;
    await connect();
    slowSwitch();
    dashboard.command('switch');
    await fileAppears(host.path('grandchild'));
    dashboard.command('stop');
    await dashboard.frame('status', (payload) => payload.status === 'stopped' && payload.command === 'switch');
    dashboard.command('refresh-git');
    await dashboard.frame('status', (payload) => payload.command === 'refresh-git');
    expect(dashboard.all('status')).toHaveLength(2);
  });

  it('runs a repeated id once, and refuses other commands while busy', async () => {
    await connect();
    slowSwitch();
    dashboard.command('switch', 'one');
    dashboard.command('switch', 'one');
    dashboard.command('pull', 'two');
    const rejected = await dashboard.frame('command_rejected');
    expect(rejected).toMatchObject({
      reason: 'command already running',
      current_command: 'switch',
      command_id: 'two',
      current_command_id: 'one',
    });
    await fileAppears(host.path('grandchild'));
    expect(dashboard.all('started').map(({ payload }) => payload.command_id)).toEqual(['one', 'one']);
    dashboard.command('stop', 'three', { target: 'some-other' });
    expect(await dashboard.result('three')).toMatchObject({ status: 'error', message: 'no command running' });
    dashboard.command('stop', 'four');
    await dashboard.result('one');
    dashboard.command('pull', 'two');
    await dashboard.until('a second refusal', () => dashboard.all('command_rejected').length === 2);
    expect(runsIn(host.path('runs'))).toBe(1);
  });

  it('kill_command ends the running command and nothing else', async () => {
    await connect();
    slowSwitch();
    const bystander = process.pid;
    dashboard.command('switch', 'sw');
    await fileAppears(host.path('grandchild'));
    dashboard.send('kill_command', { signal: 'SIGKILL', pid: bystander });
    await dashboard.until('the refusal', () =>
      dashboard.lines('sw').some(({ line }) => line.includes(`Refused to kill PID ${bystander}`)),
    );
    dashboard.send('kill_command', { signal: 'SIGKILL', pid: 0 });
    expect(await dashboard.result('sw')).toMatchObject({ status: 'stopped', exit_code: 137 });
  });

  it('a successful switch: result, acknowledgement, 1000, exit 101; compartment reports survive the restart', async () => {
    const agent = await connect();
    host.program('nixos-rebuild', 'echo "building $*"');
    dashboard.settings.acknowledge = false;
    dashboard.command('switch', 'sw');
    const result = await dashboard.result('sw');
    expect(result).toMatchObject({ status: 'ok', restarting: true, exit_code: 0 });
    expect(dashboard.lines('sw')[0]?.line).toBe(`building switch --flake ${host.repoDir}#h1`);
    expect(agent.child.exitCode).toBeNull();
    dashboard.send('ack', { command_id: 'sw', output_seq: result.last_seq, result: true });
    expect(await agent.exit).toEqual({ code: 101, signal: null });
    await dashboard.until('the close', () => dashboard.closed.includes(1000));
    const from = dashboard.received.length;
    host.start(bundle, dashboard.url);
    const heartbeat = await dashboard.frame('heartbeat', () => true, from);
    expect(heartbeat.update_status).toMatchObject({
      system: { status: 'ok', message: 'Switch successful (exit 0)' },
      tests: { status: 'outdated' },
    });
    expect((await dashboard.frame('register', () => true, from)).finished).toEqual([]);
    // The reports don't apply to another commit.
    dashboard.settings.acknowledge = true;
    host.commit({ other: 'x' });
    dashboard.command('pull', 'p');
    await dashboard.result('p');
    const later = await dashboard.frame(
      'heartbeat',
      (payload) => payload.update_status?.system.status === 'outdated',
      from,
    );
    expect(later.update_status?.tests.status).toBe('');
  });

  it('a failed switch keeps the agent running and reports the reason', async () => {
    await connect();
    host.program('nixos-rebuild', 'echo "error: attribute missing" >&2; exit 7');
    dashboard.command('pull-switch', 'ps');
    const result = await dashboard.result('ps');
    expect(result).toMatchObject({ status: 'error', exit_code: 7, command: 'pull-switch', restarting: false });
    expect(result.message).toBe('nixos-rebuild failed with exit code 7: error: attribute missing');
    await dashboard.frame('heartbeat', (payload) => payload.update_status?.system.status === 'error');
    expect(dashboard.all('operation_progress').at(-1)?.payload.progress['system']?.status).toBe('error');
  });

  it('a switch on macOS continues when the agent ends during it', async () => {
    const agent = await connect({ NIXFLEET_HOST_TYPE: 'macos' });
    host.program(
      'home-manager',
      `echo "activating $*"; echo warn >&2; touch ${host.path('first')}; while [ ! -e ${host.path('go')} ]; do sleep 0.05; done; echo more; echo more >&2; touch ${host.path('finished')}`,
    );
    dashboard.command('switch', 'sw');
    await dashboard.until('its output', () => dashboard.lines('sw').length >= 2);
    expect(dashboard.lines('sw').map(({ line }) => line)).toContain(`activating switch --flake ${host.repoDir}#h1`);
    agent.child.kill('SIGTERM');
    expect((await agent.exit).code).toBe(0);
    writeFileSync(host.path('go'), '');
    await fileAppears(host.path('finished'));
    expect(dashboard.all('status')).toEqual([]);
  });

  it('runs every test, counts them, and fails when one failed', async () => {
    host.commit({
      'hosts/h1/tests/10-good.sh': '#!/bin/sh\necho good\n',
      'hosts/h1/tests/20-bad.sh': '#!/bin/sh\necho bad >&2\nexit 4\n',
      'hosts/h1/tests/30-last.sh': '#!/bin/sh\necho last; [ -z "$NIXFLEET_TOKEN" ]\n',
      'hosts/h1/tests/notes.txt': 'no test',
    });
    await connect();
    dashboard.command('test', 't');
    expect(await dashboard.result('t')).toMatchObject({
      status: 'error',
      exit_code: 1,
      message: '1 of 3 tests failed: 20-bad.sh',
    });
    const steps = dashboard.all('operation_progress').map(({ payload }) => payload.progress['tests']);
    expect(steps.map((step) => `${step?.current}/${step?.total} ${step?.status}`)).toEqual([
      '0/3 in_progress',
      '1/3 in_progress',
      '2/3 in_progress',
      '3/3 error',
    ]);
    expect(dashboard.lines('t').map(({ line }) => line)).toEqual(
      expect.arrayContaining(['good', 'bad', 'last', '✗ 20-bad.sh (exit code 4)']),
    );
    await dashboard.frame('heartbeat', (payload) => payload.update_status?.tests.status === 'error');
    host.commit({ 'hosts/h1/tests/20-bad.sh': '#!/bin/sh\n' });
    dashboard.command('pull', 'p');
    await dashboard.result('p');
    dashboard.command('test', 't2');
    expect(await dashboard.result('t2')).toMatchObject({ status: 'ok', exit_code: 0 });
  });

  it('reports ok with "no tests" when there are none', async () => {
    await connect();
    dashboard.command('test', 't');
    expect(await dashboard.result('t')).toMatchObject({ status: 'ok', exit_code: 0, message: 'no tests' });
  });

  it('restart ends the running command, is acknowledged, and exits with 0', async () => {
    const agent = await connect();
    slowSwitch();
    dashboard.command('switch', 'sw');
    await fileAppears(host.path('grandchild'));
    dashboard.command('restart', 'r');
    expect(await dashboard.result('r')).toMatchObject({ status: 'ok', restarting: true });
    expect(await dashboard.result('sw')).toMatchObject({ status: 'stopped' });
    expect(await agent.exit).toEqual({ code: 0, signal: null });
    await processEnds(Number(readFileSync(host.path('grandchild'), 'utf8')));
  });

  it('reboot runs the program on PATH after its delay, without blocking other frames', async () => {
    await connect();
    host.program('reboot', `touch ${host.path('rebooted')}`);
    dashboard.command('reboot', 'rb');
    const from = dashboard.received.length;
    dashboard.send('registered', { host_id: 'h', protocol: 3 });
    await dashboard.frame('heartbeat', () => true, from);
    expect(existsSync(host.path('rebooted'))).toBe(false);
    await fileAppears(host.path('rebooted'));
    expect(await dashboard.result('rb')).toMatchObject({ status: 'ok', restarting: true });
  });

  it('reports a reboot that is not allowed', async () => {
    await connect();
    host.program('reboot', 'echo "not allowed" >&2; exit 1');
    dashboard.command('reboot', 'rb');
    const result = await dashboard.result('rb');
    expect(result).toMatchObject({ status: 'error', restarting: false });
    expect(result.message).toContain('not allowed');
  });

  it('refresh-system compares what would be built with the running system', async () => {
    await connect();
    host.program('nix', `echo '[{"outputs":{"out":"${host.path('system-b')}"}}]'`);
    dashboard.command('refresh-system', 'a');
    expect(await dashboard.result('a')).toMatchObject({ status: 'ok', message: 'unknown' });
    mkdirSync(host.path('current-system'));
    dashboard.command('refresh-system', 'b');
    expect(await dashboard.result('b')).toMatchObject({ message: 'outdated' });
    host.program('nix', `echo '[{"outputs":{"out":"${host.path('current-system')}"}}]'`);
    dashboard.command('refresh-system', 'c');
    expect(await dashboard.result('c')).toMatchObject({ message: 'ok' });
    await dashboard.frame('heartbeat', (payload) => payload.update_status?.system.status === 'ok');
    host.program('nix', 'exit 1');
    dashboard.command('refresh-system', 'd');
    expect(await dashboard.result('d')).toMatchObject({ status: 'ok', message: 'error' });
    dashboard.command('refresh-lock', 'e');
    expect(await dashboard.result('e')).toMatchObject({ message: 'ok' });
  });

  it('refresh-all evaluates nothing: it may be sent to many hosts at once', async () => {
    await connect();
    host.program('nix', `touch ${host.path('evaluated')}`);
    dashboard.command('refresh-all', 'a');
    expect(await dashboard.result('a')).toMatchObject({ status: 'ok', message: 'all refreshed' });
    expect(existsSync(host.path('evaluated'))).toBe(false);
  });

  it('check-version compares the running version with the installed one', async () => {
    await connect();
    dashboard.command('check-version', 'own');
    expect(await dashboard.result('own')).toMatchObject({ status: 'ok', message: 'running=4.1.0 installed=4.1.0' });
    host.program('nixfleet-agent', 'echo nixfleet-agent 9.9.9');
    dashboard.command('check-version', 'other');
    expect(await dashboard.result('other')).toMatchObject({
      status: 'warning',
      exit_code: 0,
      message: 'mismatch: running=4.1.0 installed=9.9.9',
    });
  });

  it('runs rollback and force-update', async () => {
    const agent = await connect();
    host.program('nixos-rebuild', 'echo "nixos-rebuild $*"');
    host.program('nix', 'echo "nix $*"');
    dashboard.command('rollback', 'rb');
    expect(await dashboard.result('rb')).toMatchObject({ status: 'ok', restarting: false });
    expect(dashboard.lines('rb').map(({ line }) => line)).toContain('nixos-rebuild --rollback switch');
    await dashboard.frame('heartbeat', (payload) => payload.update_status?.system.status === 'outdated');
    dashboard.command('force-update', 'fu');
    expect(await dashboard.result('fu')).toMatchObject({ status: 'ok', message: 'force update complete' });
    expect(dashboard.lines('fu').map(({ line }) => line)).toEqual(
      expect.arrayContaining([
        'nix --extra-experimental-features nix-command flakes flake update nixfleet',
        `nixos-rebuild switch --flake ${host.repoDir}#h1 --option narinfo-cache-negative-ttl 0`,
      ]),
    );
    expect(agent.child.exitCode).toBeNull();
  });
});
