/** The real agent as a process, from its bundle, against a real socket server and real git repositories. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useAgentBench, type AgentBench } from './testing/agent-bench';
import { TEST_TOKEN, type TestDashboard } from './testing/dashboard';
import { fileAppears, runsIn, type TestHost } from './testing/host';
import { AGENT_CAPABILITIES, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';

let bundle = '';
let host: TestHost;
let dashboard: TestDashboard;
let connect: AgentBench['connect'];

useAgentBench((made) => ({ bundle, host, dashboard, connect } = made));

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
    expect(runsIn(host.path('runs'))).toBe(1);
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
    expect(runsIn(host.path('runs'))).toBe(1);
    if (pid !== null) process.kill(-pid, 'SIGKILL');
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
    const capabilities = host.start(bundle, dashboard.url, {}, ['--capabilities']);
    await capabilities.exit;
    expect(JSON.parse(capabilities.stdout())).toEqual({
      version: '4.1.0',
      capabilities: [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES],
    });
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
