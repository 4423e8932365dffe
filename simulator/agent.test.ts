import { afterEach, describe, expect, it } from 'vitest';
import {
  startTestDashboard,
  TEST_TOKEN,
  type TestDashboard,
  type TestDashboardOptions,
} from '@/agent/testing/dashboard';
import { SimulatedAgent, type SimulatedAgentOptions } from './agent';
import { PROMPT, type Behaviour, type CommandBehaviour, type ScriptedEnding, type TrialEnding } from './behaviour';
import { AGENT_CAPABILITIES, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import type { WireCommand } from '@/lib/protocol/agent/wire-commands';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const INTERVAL_MS = 3_600_000;

async function begin(
  options: Partial<SimulatedAgentOptions> = {},
  server: TestDashboardOptions = {},
): Promise<{ dashboard: TestDashboard; agent: SimulatedAgent }> {
  const dashboard = await startTestDashboard(server);
  closers.push(() => dashboard.stop());
  const agent = new SimulatedAgent({
    url: dashboard.url,
    token: TEST_TOKEN,
    hostname: 'sim-1',
    // Long, so that only the heartbeats that the protocol requires are sent.
    intervalMs: INTERVAL_MS,
    behaviour: PROMPT,
    firstRedialMs: 1,
    ...options,
  });
  closers.push(() => agent.close());
  const registered = agent.next('registered');
  agent.connect();
  await registered;
  await dashboard.frame('heartbeat');
  return { dashboard, agent };
}

/** With this ending, and lines where they are wanted. */
function behaving(ending: ScriptedEnding, more: Partial<CommandBehaviour> = {}): Behaviour {
  return { ...PROMPT, standard: { ...PROMPT.standard, ending, ...more } };
}

const types = (dashboard: TestDashboard, from: number) => dashboard.received.slice(from).map(({ frame }) => frame.type);

describe('protocol 2', () => {
  it('registers and sends heartbeats as the Go agent does', async () => {
    const { dashboard, agent } = await begin({ protocol: 2 });
    expect(dashboard.received[0]?.raw).toEqual({
      hostname: 'sim-1',
      host_type: 'nixos',
      agent_version: '3.1.5',
      os_version: agent.facts.osVersion,
      nixpkgs_version: agent.facts.nixpkgsVersion,
      generation: agent.facts.generation,
      theme_color: agent.facts.themeColor,
      heartbeat_interval: 3600,
      location: agent.facts.location,
      device_type: agent.facts.deviceType,
      repo_url: agent.facts.repoUrl,
      repo_dir: agent.facts.repoDir,
      source_commit: agent.facts.sourceCommit,
      store_path: agent.facts.storePath,
      binary_hash: agent.facts.binaryHash,
    });
    const beat = dashboard.received[1];
    expect(beat?.raw).toMatchObject({ pending_command: null, command_pid: null });
    expect(beat?.raw).toHaveProperty('metrics.cpu');
    expect(beat?.raw).not.toHaveProperty('command_id');
    expect(dashboard.headers[0]).toMatchObject({ 'user-agent': 'Go-http-client/1.1' });
    expect(dashboard.headers[0]).not.toHaveProperty('origin');
  });

  it('answers every registered with a heartbeat', async () => {
    const { dashboard } = await begin({ protocol: 2 });
    dashboard.send('registered', { host_id: 'sim-1' });
    dashboard.send('registered', {});
    await dashboard.until('three heartbeats', () => dashboard.all('heartbeat').length === 3 || undefined);
  });

  const O = 'output';
  const P = 'operation_progress';
  it.each<[WireCommand, string[]]>([
    ['pull', [P, O, O, P, 'status']],
    ['test', [P, O, O, P, 'status', 'heartbeat']],
    ['rollback', [O, O, O, 'status', 'heartbeat']],
    ['update', [O, O, 'status', 'heartbeat']],
    ['refresh-git', [O, O, O, 'status']],
    ['refresh-lock', [O, O, O, O, 'status']],
    ['refresh-system', [O, O, O, O, 'status']],
    ['refresh-all', [O, O, O, O, O, 'status']],
    ['force-update', [O, O, O, O, O, 'status']],
    ['check-version', [O, O, O, O, O, O, O, 'status']],
  ])('sends the frames of %s in the order of the protocol', async (command, order) => {
    const { dashboard, agent } = await begin({ protocol: 2, behaviour: behaving('succeeds', { lines: 2 }) });
    const from = dashboard.received.length;
    const ended = agent.next('ended');
    dashboard.command(command);
    expect(await ended).toMatchObject({ command, result: 'ok' });
    await dashboard.until('all frames', () => dashboard.received.length >= from + order.length || undefined);
    expect(types(dashboard, from)).toEqual(order);
    expect(dashboard.malformed).toEqual([]);
    expect(agent.currentCommand).toBeNull();
  });

  it('sends the result of a switch on NixOS before its process ends, and starts again without memory of it', async () => {
    const { dashboard, agent } = await begin({ protocol: 2 });
    const from = dashboard.received.length;
    const back = agent.next('registered');
    dashboard.command('switch');
    await back;
    await dashboard.frame('heartbeat', (beat) => beat.pending_command === '', from);
    const order = types(dashboard, from).filter((type) => type !== 'output');
    expect(order).toEqual(['operation_progress', 'operation_progress', 'status', 'heartbeat', 'register', 'heartbeat']);
    const [withIt, fresh] = dashboard.all('heartbeat').slice(1);
    expect(withIt?.payload).toMatchObject({ pending_command: 'switch', update_status: { system: { status: 'ok' } } });
    expect(fresh?.payload).toMatchObject({ pending_command: '', update_status: { system: { status: '' } } });
    expect(dashboard.closed).toEqual([1000]);
    const paths = dashboard.all('register').map((register) => register.payload.store_path);
    expect(new Set(paths).size).toBe(1);
  });

  it('keeps running when a switch fails', async () => {
    const { dashboard, agent } = await begin({ protocol: 2, behaviour: behaving('fails', { exitCode: 7 }) });
    const ended = agent.next('ended');
    dashboard.command('switch');
    expect(await ended).toMatchObject({ result: 'error' });
    expect(await dashboard.frame('status')).toMatchObject({ exit_code: 7, message: 'command failed' });
    expect(agent.isRegistered).toBe(true);
    expect(dashboard.closed).toEqual([]);
  });

  it('refuses a command while it is busy, and answers an unknown one', async () => {
    const { dashboard, agent } = await begin({ protocol: 2, behaviour: behaving('hangs') });
    const rejected = agent.next('rejected');
    dashboard.command('test');
    dashboard.command('pull');
    await rejected;
    expect(await dashboard.frame('command_rejected')).toMatchObject({ current_command: 'test' });
    expect(agent.currentCommand).toBe('test');
  });

  it('answers an unknown command with an error', async () => {
    const { dashboard } = await begin({ protocol: 2 });
    dashboard.command('bump-flake');
    expect(await dashboard.frame('status')).toMatchObject({
      status: 'error',
      exit_code: 1,
      message: 'unknown command',
    });
  });

  it('has nothing to stop when idle or during an isolated pull', async () => {
    const { dashboard, agent } = await begin({ protocol: 2, behaviour: behaving('hangs') });
    dashboard.command('stop');
    await dashboard.frame('status', (status) => status.command === 'stop');
    const from = dashboard.received.length;
    dashboard.command('pull');
    dashboard.command('stop');
    const status = await dashboard.frame('status', () => true, from);
    expect(status).toMatchObject({ command: 'stop', status: 'error', message: 'no command running' });
    expect(agent.currentCommand).toBe('pull');
  });

  it.each([
    ['result-and-exit', ['stopped'], [1000]],
    ['exit', [], [1000]],
    ['two-results', ['stopped', 'error'], []],
  ] as const)('stops with %s', async (stop, statuses, closes) => {
    const { dashboard, agent } = await begin({ protocol: 2, behaviour: { ...behaving('hangs'), stop } });
    dashboard.command('test');
    await dashboard.frame('operation_progress');
    const done = closes.length > 0 ? agent.next('registered') : agent.next('heartbeat');
    dashboard.command('stop');
    await done;
    await dashboard.until('a heartbeat after it', () => dashboard.all('heartbeat').length === 2 || undefined);
    expect(dashboard.all('status').map(({ payload }) => payload.status)).toEqual(statuses);
    expect(dashboard.closed).toEqual(closes);
  });

  it.each([
    ['SIGTERM', 1000],
    ['SIGKILL', 1006],
  ])('ends its process by %s', async (signal, code) => {
    const { dashboard, agent } = await begin({ protocol: 2, behaviour: behaving('hangs') });
    dashboard.command('test');
    await dashboard.frame('operation_progress');
    const back = agent.next('registered');
    dashboard.send('kill_command', { signal, pid: 0 });
    await back;
    expect(dashboard.closed).toEqual([code]);
    expect(dashboard.all('status')).toEqual([]);
  });

  it.each(['restart', 'reboot'])('restarts after %s without a status', async (command) => {
    const { dashboard, agent } = await begin({ protocol: 2 });
    const back = agent.next('registered');
    dashboard.command(command);
    await back;
    expect(dashboard.closed).toEqual([1000]);
    expect(dashboard.all('status')).toEqual([]);
  });

  it('loses output while the connection is down, and still reports the running command', async () => {
    const { dashboard, agent } = await begin({ protocol: 2, behaviour: behaving('hangs') });
    dashboard.command('test');
    await dashboard.frame('operation_progress');
    const back = agent.next('registered');
    dashboard.cut();
    await back;
    await dashboard.frame('heartbeat', (beat) => beat.pending_command === 'test');
    expect(agent.currentCommand).toBe('test');
  });

  describe('unusual endings', () => {
    it('silent: no status, and the next heartbeat shows no command', async () => {
      const { dashboard, agent } = await begin({ protocol: 2, behaviour: behaving('silent') });
      const ended = agent.next('ended');
      dashboard.command('test');
      expect(await ended).toMatchObject({ result: null });
      agent.heartbeat();
      await dashboard.until('the heartbeat', () => dashboard.all('heartbeat').length === 2 || undefined);
      expect(dashboard.all('status')).toEqual([]);
      expect(dashboard.all('heartbeat').at(-1)?.payload.pending_command).toBe('');
    });

    it('status-twice and late-output: two results, and output after them', async () => {
      const twice = await begin({ protocol: 2, behaviour: behaving('status-twice') });
      twice.dashboard.command('test');
      await twice.dashboard.until('two', () => twice.dashboard.all('status').length === 2 || undefined);
      const late = await begin({ protocol: 2, behaviour: behaving('late-output') });
      late.dashboard.command('pull');
      await late.dashboard.until('output at the end', () =>
        types(late.dashboard, 0).slice(-3).join() === 'status,output,output' ? true : undefined,
      );
    });

    it.each([
      ['crashes', 1006, 1],
      ['killed-by-switch', 1000, 2],
    ] as const)('%s: no status, another process', async (ending, code, binaries) => {
      const { dashboard, agent } = await begin({ protocol: 2, hostType: 'macos', behaviour: behaving(ending) });
      const back = agent.next('registered');
      dashboard.command('switch');
      await back;
      await dashboard.frame('heartbeat', (beat) => beat.pending_command === '');
      expect(dashboard.closed).toEqual([code]);
      expect(dashboard.all('status')).toEqual([]);
      expect(new Set(dashboard.all('register').map(({ payload }) => payload.store_path)).size).toBe(binaries);
    });
  });
});

describe('protocol 3', () => {
  const ID = '01-a';

  it('is used only if the dashboard confirms it', async () => {
    const { dashboard, agent } = await begin({ protocol: 3 }, { protocol: 2 });
    expect(dashboard.all('register')[0]?.payload).toMatchObject({
      protocol: 3,
      running: null,
      finished: [],
      capabilities: AGENT_CAPABILITIES,
    });
    dashboard.command('test', ID);
    const status = await dashboard.frame('status');
    expect(status.command_id).toBeNull();
    expect(dashboard.all('output_batch')).toEqual([]);
    expect(agent.currentCommand).toBeNull();
  });

  it('numbers all output from 1, in batches that the schema accepts, before the result', async () => {
    const { dashboard } = await begin({ behaviour: behaving('succeeds', { lines: 1_234 }) });
    dashboard.command('test', ID);
    const result = await dashboard.result(ID);
    expect(result).toMatchObject({ status: 'ok', last_seq: 1_234, restarting: false });
    expect(dashboard.lines(ID).map((line) => line.seq)).toEqual(Array.from({ length: 1_234 }, (_, index) => index + 1));
    expect(dashboard.malformed).toEqual([]);
    expect(dashboard.all('started')).toHaveLength(1);
    expect(await dashboard.frame('heartbeat', () => true, dashboard.received.length - 1)).toMatchObject({
      pending_command: '',
    });
  });

  it('resends only what was not acknowledged after a reconnect', async () => {
    const { dashboard, agent } = await begin(
      { behaviour: behaving('succeeds', { lines: 10 }) },
      { acknowledge: false },
    );
    dashboard.command('test', ID);
    await dashboard.result(ID);
    const acknowledged = agent.next('acknowledged');
    dashboard.send('ack', { command_id: ID, output_seq: 4 });
    await acknowledged;
    const from = dashboard.received.length;
    dashboard.cut();
    await dashboard.frame('status', () => true, from);
    expect(await dashboard.frame('register', () => true, from)).toMatchObject({ finished: [ID], running: null });
    const again = dashboard.received
      .slice(from)
      .flatMap(({ frame }) => (frame.type === 'output_batch' ? frame.payload.lines : []));
    expect(again.map((line) => line.seq)).toEqual([5, 6, 7, 8, 9, 10]);

    const settled = agent.next('acknowledged', (event) => event.result);
    dashboard.send('ack', { command_id: ID, output_seq: 10, result: true });
    await settled;
    const later = dashboard.received.length;
    dashboard.cut();
    await dashboard.frame('heartbeat', () => true, later);
    expect(types(dashboard, later)).toEqual(['register', 'heartbeat']);
  });

  it('never runs an id twice', async () => {
    const { dashboard } = await begin();
    dashboard.command('test', ID);
    await dashboard.result(ID);
    const from = dashboard.received.length;
    dashboard.command('test', ID);
    await dashboard.frame('status', (status) => status.command_id === ID, from);
    expect(types(dashboard, from)).not.toContain('started');
    expect(types(dashboard, from)).not.toContain('output_batch');
  });

  it('names both commands when it refuses one', async () => {
    const { dashboard } = await begin({ behaviour: behaving('hangs') });
    dashboard.command('test', 'one');
    dashboard.command('pull', 'two');
    expect(await dashboard.frame('command_rejected')).toMatchObject({ command_id: 'two', current_command_id: 'one' });
  });

  it('stops only the command that the stop names', async () => {
    const { dashboard } = await begin({ behaviour: behaving('hangs') });
    dashboard.command('test', 'one');
    dashboard.command('stop', 'two', { target: 'other' });
    expect(await dashboard.result('two')).toMatchObject({ status: 'error', message: 'no command running' });
    dashboard.command('stop', 'three', { target: 'one' });
    expect(await dashboard.result('three')).toMatchObject({ status: 'ok', command: 'stop' });
    expect(await dashboard.result('one')).toMatchObject({ status: 'stopped', exit_code: 130 });
  });

  it('reports the running command after a lost connection and continues it', async () => {
    const { dashboard, agent } = await begin({ behaviour: behaving('hangs', { lines: 6 }) });
    dashboard.command('test', ID);
    await dashboard.until('half of the lines', () => dashboard.lines(ID).length === 3 || undefined);
    const back = agent.next('registered');
    dashboard.cut();
    await back;
    expect(dashboard.all('register').at(-1)?.payload.running).toEqual({ command_id: ID });
    dashboard.command('test', ID);
    await dashboard.until('started again', () => dashboard.all('started').length === 2 || undefined);
  });

  it.each(['switch', 'restart', 'reboot'])('waits for the acknowledgement before it restarts (%s)', async (command) => {
    const { dashboard, agent } = await begin({}, { acknowledge: false });
    dashboard.command(command, ID);
    expect(await dashboard.result(ID)).toMatchObject({ status: 'ok', restarting: true });
    const instances = () => dashboard.all('register').map(({ payload }) => payload.instance);
    expect(instances()).toHaveLength(1);
    const back = agent.next('registered');
    dashboard.send('ack', { command_id: ID, result: true });
    await back;
    await dashboard.until('the new process', () => instances().length === 2 || undefined);
    expect(new Set(instances()).size).toBe(2);
  });

  it('does not know the result of a command after a crash', async () => {
    const { dashboard, agent } = await begin({ behaviour: behaving('crashes') });
    const back = agent.next('registered');
    dashboard.command('test', ID);
    await back;
    dashboard.command('test', ID);
    expect(await dashboard.result(ID)).toMatchObject({ status: 'error', exit_code: 1 });
  });

  it('registers with a command from an earlier connection', async () => {
    const dashboard = await startTestDashboard();
    closers.push(() => dashboard.stop());
    const agent = new SimulatedAgent({ url: dashboard.url, token: TEST_TOKEN, hostname: 'sim-1', behaviour: PROMPT });
    closers.push(() => agent.close());
    agent.resumeCommand('test', ID);
    agent.connect();
    expect(await dashboard.result(ID)).toMatchObject({ status: 'ok', last_seq: 3 });
    expect(dashboard.lines(ID)).toHaveLength(3);
  });

  it('sends the same result again with the ending status-twice', async () => {
    const { dashboard } = await begin({ behaviour: behaving('status-twice') }, { acknowledge: false });
    dashboard.command('test', ID);
    await dashboard.until('two results', () => dashboard.all('status').length === 2 || undefined);
  });
});

describe('the connection', () => {
  it('keeps reconnecting with a wrong token', async () => {
    const dashboard = await startTestDashboard();
    closers.push(() => dashboard.stop());
    const agent = new SimulatedAgent({ url: dashboard.url, token: 'wrong', hostname: 'sim-1', firstRedialMs: 1 });
    closers.push(() => agent.close());
    const refused = agent.next('refused');
    agent.connect();
    expect(await refused).toEqual({ type: 'refused', status: 401 });
    await dashboard.until('three tries', () => dashboard.refused.length >= 3 || undefined);
    expect(agent.isRegistered).toBe(false);
  });

  it('is held until registered, and sends heartbeats only from then on', async () => {
    const dashboard = await startTestDashboard({ answer: false });
    closers.push(() => dashboard.stop());
    const agent = new SimulatedAgent({
      url: dashboard.url,
      token: TEST_TOKEN,
      hostname: 'sim-1',
      intervalMs: INTERVAL_MS,
    });
    closers.push(() => agent.close());
    agent.connect();
    await dashboard.frame('register');
    agent.heartbeat();
    dashboard.send('registered', {});
    await agent.whenRegistered();
    await dashboard.frame('heartbeat');
    expect(types(dashboard, 0)).toEqual(['register', 'heartbeat']);
  });

  it('closes with 1000, and pending waits reject', async () => {
    const { dashboard, agent } = await begin();
    const never = agent.next('command');
    await Promise.all([expect(never).rejects.toThrow('sim-1 was closed'), agent.close()]);
    await dashboard.until('the close', () => dashboard.closed.length === 1 || undefined);
    expect(dashboard.closed).toEqual([1000]);
    expect(() => agent.connect()).toThrow('was closed');
  });

  it('can be closed during a command', async () => {
    const { dashboard, agent } = await begin({ behaviour: behaving('hangs') });
    dashboard.command('test', 'one');
    await dashboard.frame('started');
    await agent.close();
    expect(agent.currentCommand).toBeNull();
  });

  it('refuses a behaviour with numbers out of bounds', () => {
    const behaviour = behaving('succeeds', { lines: 1e9 });
    expect(() => new SimulatedAgent({ url: 'ws://127.0.0.1:1/ws', token: 't', hostname: 'h', behaviour })).toThrow(
      'asks for 1000000000 lines: write 0 to 200000',
    );
  });
});

describe('a confirmed switch', () => {
  const capabilities = [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES];
  const confirm = { confirm: { window_s: 60 } };
  const trying = (ending: TrialEnding) => ({
    capabilities,
    behaviour: { ...PROMPT, trial: { ...PROMPT.trial, ending } },
  });
  const reports = (dashboard: TestDashboard) => dashboard.all('confirmation').map(({ payload }) => payload);
  const waits = (dashboard: TestDashboard, check: string) =>
    dashboard.until(`a report with ${check}`, () =>
      reports(dashboard).find(({ stage, checks }) => stage === 'waiting' && checks[1]?.status === check),
    );

  it('is kept when the dashboard says so on the new connection', async () => {
    const { dashboard } = await begin(trying('passes'));
    dashboard.command('switch', 'c1', confirm);
    await waits(dashboard, 'passed');
    dashboard.send('confirm', { command_id: 'c1', keep: true, by_operator: false });
    expect(await dashboard.result('c1')).toMatchObject({ status: 'ok', restarting: false });
    expect(dashboard.all('register').at(-1)?.payload.running).toEqual({ command_id: 'c1' });
    expect(reports(dashboard).map(({ stage }) => stage)).toEqual(['activating', 'waiting', 'waiting', 'keeping']);
  });

  it.each([
    ['check-fails', 'check-failed', null],
    ['waits', 'operator', false],
  ] as const)('goes back: %s', async (ending, reason, keep) => {
    const { dashboard } = await begin(trying(ending));
    dashboard.command('switch', 'c1', confirm);
    await waits(dashboard, 'pending');
    if (keep !== null) dashboard.send('confirm', { command_id: 'c1', keep, by_operator: true });
    expect(await dashboard.result('c1')).toMatchObject({ status: 'error', rolled_back: reason });
    expect(reports(dashboard).at(-1)?.stage).toBe('going-back');
  });

  it('is an ordinary one for an agent that can’t do it', async () => {
    const { dashboard } = await begin();
    dashboard.command('switch', 'c1', confirm);
    expect(await dashboard.result('c1')).toMatchObject({ status: 'ok' });
    expect(reports(dashboard)).toEqual([]);
  });
});
