/** The real agent as a process, from its bundle, against a real socket server and real git repositories. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildAgent } from '../scripts/build-agent.mjs';
import { startTestDashboard, TEST_TOKEN, type TestDashboard } from './testing/dashboard';
import { createHost, fileAppears, processEnds, type AgentProcess, type TestHost } from './testing/host';
import { AGENT_CAPABILITIES } from '@/lib/protocol/agent/capabilities';

const folder = mkdtempSync(join(tmpdir(), 'nixfleet-bundle-'));
let bundle = '';
let host: TestHost;
let dashboard: TestDashboard;

beforeAll(async () => {
  bundle = await buildAgent({ outfile: join(folder, 'agent.mjs'), sourceCommit: 'abc1234' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  host = createHost();
  dashboard = await startTestDashboard();
});
afterEach(async () => {
  await host.remove();
  await dashboard.stop();
  // Both sides must agree on every frame.
  expect(dashboard.malformed).toEqual([]);
});

async function connect(more: Record<string, string> = {}): Promise<AgentProcess> {
  const agent = host.start(bundle, dashboard.url, more);
  await dashboard.frame('heartbeat');
  return agent;
}

/** Resolves when the file has this many lines; a fake program writes one for each of its runs. */
function runs(path: string): number {
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').length : 0;
}

describe('connection', () => {
  it('registers first, with every field, and sends a heartbeat after every registered', async () => {
    await connect({ NIXFLEET_THEME_COLOR: '#7aa2f7', NIXFLEET_NIXPKGS_VERSION: '24.05', NIXFLEET_INTERVAL: '3600' });
    const [first, second] = dashboard.received;
    const head = host.git(['rev-parse', 'HEAD']).slice(0, 7);
    expect(first?.frame.type).toBe('register');
    expect(second?.frame.type).toBe('heartbeat');
    expect(first?.raw).toMatchObject({
      hostname: 'h1',
      host_type: 'nixos',
      agent_version: '4.1.0',
      nixpkgs_version: '24.05',
      generation: head,
      theme_color: '#7aa2f7',
      heartbeat_interval: 3600,
      location: 'home',
      device_type: 'desktop',
      repo_url: host.remote,
      repo_dir: host.repoDir,
      source_commit: 'abc1234',
      store_path: bundle,
      protocol: 3,
      running: null,
      finished: [],
      capabilities: AGENT_CAPABILITIES,
    });
    expect(String(first?.raw['binary_hash'])).toMatch(/^[0-9a-f]{64}$/);
    expect(String(first?.raw['instance'])).toMatch(/^[0-9a-f-]{36}$/);
    expect(String(first?.raw['os_version'])).not.toBe('');
    expect(dashboard.headers[0]).not.toHaveProperty('origin');
    expect(dashboard.headers[0]).not.toHaveProperty('sec-websocket-extensions');
    const heartbeat = dashboard.all('heartbeat')[0]?.payload;
    expect(heartbeat).toMatchObject({ generation: head, pending_command: '', command_pid: null });
    expect(heartbeat?.lock_hash).toMatch(/^[0-9a-f]{64}$/);
    expect(heartbeat?.update_status?.lock).toMatchObject({ status: 'ok', message: 'Updated today' });
    expect(heartbeat?.update_status?.system.status).toBe('');
    expect(heartbeat?.metrics?.ram).toBeGreaterThan(0);

    // The interval is an hour: only the repeated `registered` can bring the second one.
    dashboard.send('registered', { host_id: 'h', protocol: 3 });
    await dashboard.until('a second heartbeat', () => dashboard.all('heartbeat').length === 2);
  });

  it('sends nothing before it is registered, and keeps running when the dashboard refuses its token', async () => {
    dashboard.settings.answer = false;
    const agent = host.start(bundle, dashboard.url);
    await dashboard.frame('register');
    dashboard.cut();
    await dashboard.until('a second connection', () => dashboard.all('register').length === 2);
    expect(dashboard.received.map(({ frame }) => frame.type)).toEqual(['register', 'register']);
    expect(agent.log()).toContain('reconnecting in');

    const wrong = host.start(bundle, dashboard.url, {
      NIXFLEET_TOKEN: 'not-the-token-at-all',
      NIXFLEET_STATE_DIR: host.path('state2'),
    });
    await dashboard.until('two refusals', () => dashboard.refused.length >= 2);
    expect(wrong.log()).toContain('refused the token (401): set NIXFLEET_TOKEN');
    expect(wrong.log()).not.toContain('not-the-token-at-all');
    expect(wrong.child.exitCode).toBeNull();
  });

  it('refuses a second agent for the same state folder, and replaces a stale lock', async () => {
    const agent = await connect();
    const second = host.start(bundle, dashboard.url);
    expect((await second.exit).code).toBe(1);
    expect(second.log()).toContain(`another agent (process ${agent.child.pid})`);
    agent.child.kill('SIGKILL');
    await agent.exit;
    expect(existsSync(join(host.stateDir, 'agent.pid'))).toBe(true);
    host.start(bundle, dashboard.url);
    await dashboard.until('another registration', () => dashboard.all('register').length === 2);
  });

  it('closes with 1000 on SIGTERM, releases the lock, and exits with 0', async () => {
    const agent = await connect();
    agent.child.kill('SIGTERM');
    expect(await agent.exit).toEqual({ code: 0, signal: null });
    await dashboard.until('the close', () => dashboard.closed.includes(1000));
    expect(existsSync(join(host.stateDir, 'agent.pid'))).toBe(false);
  });
});

it('ends a running first clone on SIGTERM', async () => {
  host.program(
    'git',
    `trap 'touch ${host.path('ended')}; exit 1' TERM; touch ${host.path('cloning')}; sleep 300 & wait`,
  );
  const agent = host.start(bundle, dashboard.url);
  await fileAppears(host.path('cloning'));
  agent.child.kill('SIGTERM');
  expect(await agent.exit).toEqual({ code: 0, signal: null });
  await fileAppears(host.path('ended'));
});

describe('pull', () => {
  it('moves the clone to the commit of the branch, with output, progress, result and a heartbeat afterwards', async () => {
    await connect({ NIXFLEET_INTERVAL: '3600' });
    const commit = host.commit({ 'flake.lock': '{"version":7,"new":true}\n' }, 'second commit');
    writeFileSync(join(host.repoDir, 'flake.nix'), 'dirt');
    writeFileSync(join(host.repoDir, 'untracked'), 'dirt');
    dashboard.command('pull', 'pull-1');
    const result = await dashboard.result('pull-1');
    expect(result).toMatchObject({
      status: 'ok',
      command: 'pull',
      exit_code: 0,
      generation: commit.slice(0, 7),
      restarting: false,
    });
    expect(host.git(['rev-parse', 'HEAD'], host.repoDir)).toBe(commit);
    expect(host.git(['status', '--porcelain'], host.repoDir)).toBe('');
    const lines = dashboard.lines('pull-1');
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1));
    expect(result.last_seq).toBe(lines.length);
    expect(lines.some(({ line }) => line.includes('second commit'))).toBe(true);
    expect(await dashboard.frame('started')).toMatchObject({ command_id: 'pull-1' });
    const steps = dashboard.all('operation_progress').map(({ payload }) => payload.progress['pull']);
    expect(steps.map((step) => step?.current)).toEqual([0, 1, 2, 3, 4]);
    expect(steps.at(-1)).toEqual({ current: 4, total: 4, status: 'complete' });
    const at = dashboard.received.findIndex(({ frame }) => frame.type === 'status');
    const heartbeat = await dashboard.frame('heartbeat', () => true, at);
    expect(heartbeat).toMatchObject({ generation: commit.slice(0, 7), pending_command: '' });
    expect(heartbeat.update_status?.system).toMatchObject({ status: 'outdated' });
  });

  it('starts without a repository, logs it, and clones on pull', async () => {
    const agent = await connect({ NIXFLEET_REPO_URL: host.path('later.git') });
    expect(dashboard.all('heartbeat')[0]?.payload).toMatchObject({
      generation: '',
      lock_hash: '',
      update_status: { lock: { status: 'unknown' } },
    });
    dashboard.command('pull', 'early');
    expect(await dashboard.result('early')).toMatchObject({ status: 'error', exit_code: 1 });
    dashboard.command('switch', 'no-repo');
    expect((await dashboard.result('no-repo')).message).toContain('run Pull first');
    host.git(['clone', '-q', '--bare', host.remote, host.path('later.git')], host.root);
    dashboard.command('pull', 'late');
    expect(await dashboard.result('late')).toMatchObject({ status: 'ok' });
    expect(agent.child.exitCode).toBeNull();
  });

  it('sends plain frames without ids to a protocol-2 dashboard', async () => {
    dashboard.settings.protocol = 2;
    await connect();
    dashboard.command('pull', 'ignored-id');
    const status = await dashboard.frame('status');
    expect(status).toMatchObject({ status: 'ok', command: 'pull', command_id: null, last_seq: null });
    dashboard.command('bump-flake');
    await dashboard.frame(
      'status',
      (payload) => payload.command === 'bump-flake' && payload.message === 'unknown command',
    );
    dashboard.command('stop');
    await dashboard.frame(
      'status',
      (payload) => payload.command === 'stop' && payload.message === 'no command running',
    );
    expect(dashboard.all('output').length).toBeGreaterThan(0);
    expect(dashboard.all('output_batch')).toEqual([]);
    expect(dashboard.all('started')).toEqual([]);
    const known = new Set(['register', 'heartbeat', 'output', 'status', 'operation_progress']);
    for (const { frame, raw } of dashboard.received) {
      expect(known).toContain(frame.type);
      expect(frame.type === 'register' ? {} : raw).not.toHaveProperty('command_id');
    }
  });
});

describe('output', () => {
  it('sends 30,000 quick lines in order, numbered without gaps', async () => {
    await connect();
    host.program('nix', 'i=0; while [ $i -lt 30000 ]; do i=$((i+1)); echo "line $i"; done');
    dashboard.command('update', 'many');
    const result = await dashboard.result('many');
    const lines = dashboard.lines('many').filter(({ stream }) => stream === 'stdout');
    expect(lines.map(({ line }) => line)).toEqual(Array.from({ length: 30_000 }, (_, index) => `line ${index + 1}`));
    expect(dashboard.lines('many').map(({ seq }) => seq)).toEqual(
      Array.from({ length: result.last_seq ?? 0 }, (_, index) => index + 1),
    );
    // The result came last.
    const order = dashboard.received.map(({ frame }) => frame.type);
    expect(order.lastIndexOf('output_batch')).toBeLessThan(order.indexOf('status'));
  });

  it('sends a line of one MiB without blocking or losing any of it', async () => {
    await connect();
    host.program('nix', `${process.execPath} -e 'process.stdout.write("x".repeat(1048576) + "\\nend\\n")'`);
    dashboard.command('update', 'long');
    expect(await dashboard.result('long')).toMatchObject({ status: 'ok' });
    const lines = dashboard.lines('long').filter(({ stream }) => stream === 'stdout');
    expect(lines.at(-1)?.line).toBe('end');
    expect(
      lines
        .slice(0, -1)
        .map(({ line }) => line)
        .join(''),
    ).toBe('x'.repeat(1_048_576));
  });

  it('sends output and a result from while the link was down after the reconnect', async () => {
    await connect();
    host.program(
      'nix',
      `echo before; touch ${host.path('first')}; while [ ! -e ${host.path('go')} ]; do sleep 0.05; done; echo while away; touch ${host.path('done')}`,
    );
    dashboard.command('update', 'away');
    await dashboard.until('the first line', () => dashboard.lines('away').length > 0);
    dashboard.settings.answer = false;
    dashboard.cut();
    await dashboard.until('the reconnect', () => dashboard.all('register').length === 2);
    expect(dashboard.all('register')[1]?.payload.running).toEqual({ command_id: 'away' });
    dashboard.cut();
    writeFileSync(host.path('go'), '');
    await fileAppears(host.path('done'));
    dashboard.settings.answer = true;
    const result = await dashboard.result('away');
    expect(result).toMatchObject({ status: 'ok', exit_code: 0 });
    expect(
      dashboard
        .lines('away')
        .map(({ line }) => line)
        .slice(0, 2),
    ).toEqual(['before', 'while away']);
  });

  it('keeps an unacknowledged result across SIGKILL, and never runs the id again', async () => {
    dashboard.settings.acknowledge = false;
    const agent = await connect();
    host.program('nix', `echo run >> ${host.path('runs')}; exit 3`);
    dashboard.command('update', 'kept');
    await dashboard.result('kept');
    agent.child.kill('SIGKILL');
    await agent.exit;
    const from = dashboard.received.length;
    host.start(bundle, dashboard.url);
    const register = await dashboard.frame('register', () => true, from);
    expect(register.finished).toEqual(['kept']);
    expect(register.instance).not.toBe(dashboard.all('register')[0]?.payload.instance);
    expect(await dashboard.frame('status', () => true, from)).toMatchObject({
      command_id: 'kept',
      status: 'error',
      exit_code: 3,
    });
    dashboard.settings.acknowledge = true;
    const again = dashboard.received.length;
    dashboard.command('update', 'kept');
    await dashboard.frame('status', (payload) => payload.command_id === 'kept', again);
    expect(runs(host.path('runs'))).toBe(1);
  });

  it('does not rerun a command that the agent did not survive, and reports its result as unknown', async () => {
    const agent = await connect();
    host.program('nix', `echo run >> ${host.path('runs')}; touch ${host.path('first')}; sleep 60`);
    dashboard.command('update', 'cut-short');
    await fileAppears(host.path('first'));
    const { pid } = await dashboard
      .frame('heartbeat', (payload) => payload.command_pid !== null)
      .then((payload) => ({ pid: payload.command_pid }));
    agent.child.kill('SIGKILL');
    await agent.exit;
    const from = dashboard.received.length;
    host.start(bundle, dashboard.url);
    const register = await dashboard.frame('register', () => true, from);
    expect(register).toMatchObject({ running: null, finished: [] });
    await dashboard.frame('heartbeat', () => true, from);
    dashboard.command('update', 'cut-short');
    expect((await dashboard.result('cut-short')).message).toContain('its result is unknown');
    expect(runs(host.path('runs'))).toBe(1);
    if (pid !== null) process.kill(-pid, 'SIGKILL');
  });
});

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
    expect(runs(host.path('runs'))).toBe(1);
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
    dashboard.command('refresh-all', 'c');
    expect(await dashboard.result('c')).toMatchObject({ message: 'all refreshed' });
    await dashboard.frame('heartbeat', (payload) => payload.update_status?.system.status === 'ok');
    host.program('nix', 'exit 1');
    dashboard.command('refresh-system', 'd');
    expect(await dashboard.result('d')).toMatchObject({ status: 'ok', message: 'error' });
    dashboard.command('refresh-lock', 'e');
    expect(await dashboard.result('e')).toMatchObject({ message: 'ok' });
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
        'nix flake update nixfleet',
        `nixos-rebuild switch --flake ${host.repoDir}#h1 --option narinfo-cache-negative-ttl 0`,
      ]),
    );
    expect(agent.child.exitCode).toBeNull();
  });
});

describe('command line', () => {
  it('prints --version and --help, refuses unknown options, and lists every problem', async () => {
    const version = host.start(bundle, dashboard.url, {}, ['--version']);
    expect(await version.exit).toMatchObject({ code: 0 });
    expect(version.stdout()).toBe('nixfleet-agent 4.1.0\n');
    const help = host.start(bundle, dashboard.url, {}, ['--help']);
    await help.exit;
    expect(help.stdout()).toContain('NIXFLEET_REPO_URL');
    expect(await host.start(bundle, dashboard.url, {}, ['--nonsense']).exit).toMatchObject({ code: 64 });
    const wrong = host.start(bundle, 'http://fleet.example.com', { NIXFLEET_INTERVAL: '0', NIXFLEET_TOKEN: '' });
    expect(await wrong.exit).toMatchObject({ code: 78 });
    expect(wrong.log()).toContain('write ws://fleet.example.com/ws');
    expect(wrong.log()).toContain('NIXFLEET_INTERVAL "0"');
    expect(wrong.log()).toContain('NIXFLEET_TOKEN');
  });

  it('--check checks the health page and the token, and shows no secret', async () => {
    const secretUrl = 'https://user:repo-secret-123@git.example.com/x.git';
    const good = host.start(bundle, dashboard.url, { NIXFLEET_REPO_URL: secretUrl }, ['--check']);
    expect(await good.exit).toMatchObject({ code: 0 });
    expect(good.stdout()).toContain('answers 200');
    expect(good.stdout()).toContain('accepts the token');
    expect(good.stdout()).toContain('https://git.example.com/x.git');
    expect(good.stdout()).not.toMatch(new RegExp(`repo-secret|${TEST_TOKEN}`));
    expect(dashboard.received).toEqual([]);
    const bad = host.start(bundle, dashboard.url, { NIXFLEET_TOKEN: 'wrong-token-123' }, ['--check']);
    expect(await bad.exit).toMatchObject({ code: 1 });
    expect(bad.stdout()).toContain('refuses the token (401)');
  });
});
