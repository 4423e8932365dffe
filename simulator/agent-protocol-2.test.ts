/** The simulated agent speaks version 2 of the protocol as the Go agent does. */
import { describe, expect, it } from 'vitest';
import type { WireCommand } from '@/lib/protocol/agent/wire-commands';
import { behaving, types, useSimulatedBench } from './testing/simulated-bench';

const { begin } = useSimulatedBench();

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
