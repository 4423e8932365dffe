/** A policy and the commands of the wire, with the real agent: each way in which an operation can begin. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { useAgentBench } from '../testing/agent-bench';
import type { TestDashboard } from '../testing/dashboard';
import { fileAppears, type AgentProcess, type TestHost } from '../testing/host';
import { ACCEPTED } from '@/lib/protocol/agent/accepts';
import { AGENT_CAPABILITIES } from '@/lib/protocol/agent/capabilities';

let bundle = '';
let host: TestHost;
let dashboard: TestDashboard;
useAgentBench((made) => ({ bundle, host, dashboard } = made));
beforeEach(() => {
  dashboard.settings.accepts = ACCEPTED;
});

const policy = (content: object) => writeFileSync(host.path('policy.json'), JSON.stringify(content));
const never = { zone: 'UTC', windows: [{ days: [farDay()], from: '00:00', to: '00:01' }] };

async function connect(more: Record<string, string> = {}): Promise<AgentProcess> {
  const from = dashboard.received.length;
  const agent = host.start(bundle, dashboard.url, { NIXFLEET_POLICY_FILE: host.path('policy.json'), ...more });
  await dashboard.frame('heartbeat', () => true, from);
  return agent;
}

/** A day of the week that is neither today nor tomorrow nor yesterday in UTC. */
function farDay(): string {
  return ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][(new Date().getUTCDay() + 3) % 7] ?? 'mon';
}

describe('a command that the policy refuses', () => {
  it('ends as refused with the rule, runs nothing, and leaves the host free', async () => {
    policy({ operations: ['test'] });
    host.program('nix', `touch ${host.path('nix-ran')}`);
    await connect();
    dashboard.command('update', 'u');
    expect(await dashboard.result('u')).toMatchObject({
      status: 'error',
      exit_code: 77,
      refused: 'operation',
      message: 'Refused by the host: its policy does not accept “update”',
      restarting: false,
    });
    expect(dashboard.lines('u')).toMatchObject([
      { stream: 'stderr', line: '⛔ Refused by the host: its policy does not accept “update”' },
    ]);
    // A refusal is an answer, not a busy agent.
    expect(dashboard.all('command_rejected')).toEqual([]);
    dashboard.command('test', 't');
    expect(await dashboard.result('t')).toMatchObject({ status: 'ok' });
    expect(existsSync(host.path('nix-ran'))).toBe(false);
    // The same id once more repeats the answer.
    const from = dashboard.received.length;
    policy({});
    dashboard.command('update', 'u');
    expect(await dashboard.frame('status', ({ command_id: id }) => id === 'u', from)).toMatchObject({
      refused: 'operation',
    });
  });

  it('outside the hours names the next opening', async () => {
    policy({ hours: never });
    await connect();
    dashboard.command('pull', 'p');
    const result = await dashboard.result('p');
    expect(result).toMatchObject({ status: 'error', refused: 'hours' });
    expect(result.message).toMatch(/the next window opens \w{3} \d{1,2} \w{3}, 00:00 \(UTC\)$/);
    dashboard.command('refresh-all', 'r');
    expect(await dashboard.result('r')).toMatchObject({ status: 'ok' });
  });

  it('does not restart the agent or the host', async () => {
    policy({ operations: [] });
    host.program('sudo', `touch ${host.path('sudo-ran')}`);
    const agent = await connect();
    for (const command of ['restart', 'reboot']) {
      dashboard.command(command, command);
      expect(await dashboard.result(command)).toMatchObject({ refused: 'operation', restarting: false });
    }
    dashboard.command('refresh-lock', 'r');
    expect(await dashboard.result('r')).toMatchObject({ status: 'ok' });
    expect([agent.child.exitCode, existsSync(host.path('sudo-ran'))]).toEqual([null, false]);
  });

  it('is refused while another one runs, which goes on; and stop is accepted', async () => {
    const test = `#!/bin/sh\ntouch ${host.path('runs')}; while ! [ -e ${host.path('go-on')} ]; do sleep 0.05; done\n`;
    host.commit({ 'hosts/h1/tests/a.sh': test });
    policy({ operations: ['test'] });
    await connect();
    dashboard.command('test', 't');
    await fileAppears(host.path('runs'));
    dashboard.command('restart', 'restart');
    expect(await dashboard.result('restart')).toMatchObject({ refused: 'operation' });
    // A kill has no result of its own.
    dashboard.send('kill_command', { signal: 'SIGKILL', pid: 0 });
    const answer = await dashboard.until('the answer to the kill', () =>
      dashboard.lines('t').find(({ line }) => line.includes('kill')),
    );
    expect(answer.line).toBe('⛔ Refused by the host: its policy does not accept “kill”');
    writeFileSync(host.path('policy.json'), 'broken');
    dashboard.command('stop', 's', { target: 't' });
    expect(await dashboard.result('s')).toMatchObject({ status: 'ok' });
    expect(await dashboard.result('t')).toMatchObject({ status: 'stopped' });
  });

  it.each([
    ['an older dashboard, with ids', 3, ['started']],
    ['the Go dashboard, without ids', 2, null],
  ] as const)('of %s is refused as well, and the reason is a text', async (_name, protocol, accepts) => {
    dashboard.settings.protocol = protocol;
    dashboard.settings.accepts = accepts;
    policy({ operations: [] });
    await connect();
    for (const command of [
      'pull',
      'switch',
      'pull-switch',
      'test',
      'rollback',
      'update',
      'force-update',
      'restart',
      'reboot',
    ]) {
      const from = dashboard.received.length;
      dashboard.command(command, protocol === 3 ? `c-${command}` : undefined);
      const result = await dashboard.frame('status', (payload) => payload.command === command, from);
      expect(result).toMatchObject({
        status: 'error',
        message: `Refused by the host: its policy does not accept “${command}”`,
      });
    }
    expect(dashboard.received.filter(({ raw }) => 'refused' in raw)).toEqual([]);
    expect(dashboard.all('host_policy')).toEqual([]);
  });

  it('is reported as refused by the next agent process until it is acknowledged', async () => {
    dashboard.settings.acknowledge = false;
    policy({ operations: [] });
    const agent = await connect();
    dashboard.command('pull', 'p');
    await dashboard.result('p');
    agent.child.kill('SIGKILL');
    await agent.exit;
    const from = dashboard.received.length;
    await connect();
    expect(await dashboard.frame('status', ({ command_id: id }) => id === 'p', from)).toMatchObject({
      refused: 'operation',
    });
  });
});

describe('the report of the policy', () => {
  it('follows each registration, and each change after a command', async () => {
    await connect();
    expect(await dashboard.frame('host_policy')).toMatchObject({ state: 'none', source: host.path('policy.json') });
    expect(await dashboard.frame('register')).toMatchObject({
      capabilities: expect.arrayContaining(['policy']) as unknown,
    });
    policy({ operations: ['pull'], confirmed: true });
    dashboard.command('refresh-all', 'r');
    await dashboard.result('r');
    expect(await dashboard.frame('host_policy', ({ state }) => state === 'set')).toMatchObject({
      operations: ['pull'],
      confirmed: true,
    });
    const from = dashboard.received.length;
    writeFileSync(host.path('policy.json'), '{"operation":[]}');
    dashboard.cut();
    expect(await dashboard.frame('host_policy', () => true, from)).toMatchObject({
      state: 'unreadable',
      problem: 'has a mistake at the top level: Unrecognized key: "operation"',
    });
    expect(AGENT_CAPABILITIES).toContain('policy');
  });

  it('is a part of --check, which fails where the policy can’t be used', async () => {
    policy({ operations: ['pull'], branches: ['main'] });
    const check = async () => {
      const agent = host.start(bundle, dashboard.url, { NIXFLEET_POLICY_FILE: host.path('policy.json') }, ['--check']);
      return { ...(await agent.exit), text: agent.stdout() };
    };
    const good = await check();
    expect(good.text).toContain(`policy       ${host.path('policy.json')}: operations pull; branches main`);
    expect(good.code).toBe(0);
    policy({ operations: ['nothing'] });
    const bad = await check();
    expect(bad.code).toBe(1);
    expect(bad.text).toContain('has a mistake at operations.0');
    rmSync(host.path('policy.json'));
    expect((await check()).text).toContain('none: everything is accepted');
  });
});
