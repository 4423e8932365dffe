/** This project's agent, as a process, against the real gateway, fleet and database: what is asked for ends, and truly. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  createHost,
  fileAppears,
  isProcessRunning,
  processEnds,
  type AgentProcess,
  type TestHost,
} from '@/agent/testing/host';
import { useAgentBundle } from '@/agent/testing/agent-bench';
import { BY, createTestServer, TOKEN, type TestServer } from '../../testing/test-server';
import type { CommandView } from '@/lib/protocol/live/views/command-view';
import type { OperationId } from '@/lib/protocol/operation-ids';

let bundle = '';
let server: TestServer;
let host: TestHost;

useAgentBundle((path) => {
  bundle = path;
});
beforeEach(async () => {
  server = await createTestServer();
  host = createHost();
});
afterEach(async () => {
  await host.remove();
  await server.close();
});

const view = () => server.fleet.host('h1');

/** Starts the agent, as a service manager does, and waits until the dashboard knows its first heartbeat. */
async function startAgent(): Promise<AgentProcess> {
  const agent = host.start(bundle, `ws://127.0.0.1:${server.port}/ws`, { NIXFLEET_TOKEN: TOKEN });
  await server.until(() => view()?.online === true && view()?.generation !== '');
  return agent;
}

async function ask(operation: OperationId): Promise<string> {
  const [result] = await server.fleet.dispatch({
    operation,
    hostIds: ['h1'],
    requestId: `${operation}-${randomUUID()}`,
    force: true,
    stepUp: true,
    by: BY,
  });
  if (result?.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(result)}`);
  return result.commandId;
}

async function ended(id: string): Promise<CommandView> {
  await server.until(async () => (await server.fleet.command(id))?.outcome !== null);
  const command = await server.fleet.command(id);
  if (!command) throw new Error(`no command ${id}`);
  return command;
}

/** Whether the host has reported that it accepts a reboot. */
async function acceptedBy(id: string): Promise<boolean> {
  const state = (await server.store.fleet.command(id))?.state;
  return state !== undefined && 'accepted' in state && state.accepted;
}

/** The host takes the next command, and does it. */
async function expectFree(): Promise<void> {
  await server.until(() => view()?.command === null && view()?.control === null && view()?.foreignCommand === '');
  expect(await ended(await ask('refresh-lock'))).toMatchObject({ outcome: 'succeeded' });
}

it('stops a switch in the middle, and the agent survives', async () => {
  const agent = await startAgent();
  host.program(
    'nixos-rebuild',
    `echo building; echo $$ > ${host.path('pid.new')}; mv ${host.path('pid.new')} ${host.path('pid')}; exec sleep 600`,
  );
  const id = await ask('switch');
  await fileAppears(host.path('pid'));
  const pid = Number(readFileSync(host.path('pid'), 'utf8'));
  expect(isProcessRunning(pid)).toBe(true);
  const stop = await ask('stop');
  expect(await ended(id)).toMatchObject({ outcome: 'stopped' });
  expect(await ended(stop)).toMatchObject({ outcome: 'succeeded' });
  await processEnds(pid);
  expect(agent.child.exitCode).toBeNull();
  await expectFree();
});

it('ends a restart when the agent is back', async () => {
  const agent = await startAgent();
  const id = await ask('restart');
  expect(await agent.exit).toEqual({ code: 0, signal: null });
  expect((await server.fleet.command(id))?.outcome).toBeNull();
  await startAgent();
  expect(await ended(id)).toMatchObject({ outcome: 'succeeded', reason: 'The agent came back.' });
  await expectFree();
});

it('counts a reboot that the host accepted as a success when the agent is back', async () => {
  const agent = await startAgent();
  host.program('reboot', 'exit 0');
  const id = await ask('reboot');
  await server.until(() => acceptedBy(id));
  expect((await server.fleet.command(id))?.outcome).toBeNull();
  // What a reboot is to an agent: everything ends, unasked.
  agent.child.kill('SIGKILL');
  await agent.exit;
  await startAgent();
  expect(await ended(id)).toMatchObject({ outcome: 'succeeded' });
  await expectFree();
});

it('does not claim a reboot when the agent is back and the host has not accepted it', async () => {
  const agent = await startAgent();
  host.program('reboot', 'kill -KILL $PPID');
  const id = await ask('reboot');
  expect(await agent.exit).toEqual({ code: null, signal: 'SIGKILL' });
  await startAgent();
  const reason = 'The agent came back; whether the host was rebooted is not known.';
  expect(await ended(id)).toMatchObject({ outcome: 'lost', reason });
  await expectFree();
});

it('ends a reboot that the host refuses at once, with the output of the host', async () => {
  await startAgent();
  host.program('reboot', 'echo "not allowed" >&2; exit 1');
  expect(await ended(await ask('reboot'))).toMatchObject({ outcome: 'failed' });
  await expectFree();
});

it('counts a completed switch as a success after the agent restart it causes', async () => {
  const agent = await startAgent();
  host.program('nixos-rebuild', 'echo "building $*"');
  const id = await ask('switch');
  expect(await agent.exit).toEqual({ code: 101, signal: null });
  await startAgent();
  expect(await ended(id)).toMatchObject({ outcome: 'succeeded', exitCode: 0 });
  await expectFree();
});

it.each([
  ['the host reports that its system needs a rebuild', 'new-system', 'failed'],
  ['the host reports that its system is current', 'current-system', 'succeeded'],
  ['the host does not know', null, 'lost'],
] as const)('ends a switch whose agent is killed: %s', async (_name, built, outcome) => {
  mkdirSync(host.path('current-system'));
  host.program('nix', built === null ? 'exit 1' : `echo '[{"outputs":{"out":"${host.path(built)}"}}]'`);
  host.program('nixos-rebuild', `echo building; touch ${host.path('begun')}; exec sleep 600`);
  const agent = await startAgent();
  const id = await ask('switch');
  await fileAppears(host.path('begun'));
  agent.child.kill('SIGKILL');
  await agent.exit;
  await startAgent();
  const command = await ended(id);
  expect(command).toMatchObject({ outcome });
  expect(command.reason).toMatch(/^No result arrived/);
  await expectFree();
});
