import { describe, expect, it } from 'vitest';
import { startTestDashboard, TEST_TOKEN, type TestDashboard } from '@/agent/testing/dashboard';
import { SimulatedAgent } from './agent';
import { PROMPT, type TrialEnding } from './behaviour';
import { behaving, INTERVAL_MS, types, useSimulatedBench } from './testing/simulated-bench';
import { AGENT_CAPABILITIES, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';

const { begin, closeAtEnd } = useSimulatedBench();

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
    closeAtEnd(() => dashboard.stop());
    const agent = new SimulatedAgent({ url: dashboard.url, token: TEST_TOKEN, hostname: 'sim-1', behaviour: PROMPT });
    closeAtEnd(() => agent.close());
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
    closeAtEnd(() => dashboard.stop());
    const agent = new SimulatedAgent({ url: dashboard.url, token: 'wrong', hostname: 'sim-1', firstRedialMs: 1 });
    closeAtEnd(() => agent.close());
    const refused = agent.next('refused');
    agent.connect();
    expect(await refused).toEqual({ type: 'refused', status: 401 });
    await dashboard.until('three tries', () => dashboard.refused.length >= 3 || undefined);
    expect(agent.isRegistered).toBe(false);
  });

  it('is held until registered, and sends heartbeats only from then on', async () => {
    const dashboard = await startTestDashboard({ answer: false });
    closeAtEnd(() => dashboard.stop());
    const agent = new SimulatedAgent({
      url: dashboard.url,
      token: TEST_TOKEN,
      hostname: 'sim-1',
      intervalMs: INTERVAL_MS,
    });
    closeAtEnd(() => agent.close());
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
