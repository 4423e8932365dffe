/** An agent is never sent an operation that it does not support, whichever way the command takes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ACCEPTED } from '@/lib/protocol/agent/accepts';
import { CAPABILITIES, type Capability } from '@/lib/protocol/agent/capabilities';
import { v1RegisterSchema } from '@/lib/protocol/http/v1-agent';
import type { OperationId } from '@/lib/protocol/operation-ids';
import { OPERATIONS } from '../operations/operations';
import { DEFAULT_QUEUE_MS } from '../operations/queue-time';
import { BY, openBench, QUIET, type Bench, type TestLink } from '../testing/test-fleet';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.close();
});

let requests = 0;
const ask = async (operation: OperationId) => {
  const [result] = await bench.fleet.dispatch({
    operation,
    hostIds: ['h1'],
    requestId: `ask-${(requests += 1)}`,
    queueForMs: DEFAULT_QUEUE_MS,
    by: BY,
  });
  if (!result) throw new Error('no result');
  return result;
};
const queued = async (operation: OperationId): Promise<string> => {
  const result = await ask(operation);
  if (result.kind !== 'queued') throw new Error(`not queued: ${JSON.stringify(result)}`);
  return result.commandId;
};
const without = (...missing: Capability[]) => CAPABILITIES.filter((capability) => !missing.includes(capability));
const NEWER = { protocol: 3, agent_version: '4.1.0' };

/** An agent that names all capabilities but these. */
async function agentWithout(...missing: Capability[]): Promise<TestLink> {
  const link = await bench.agent('h1', { ...NEWER, capabilities: without(...missing) });
  await bench.say(link, 'heartbeat', QUIET);
  return link;
}

function away(link: TestLink): void {
  bench.fleet.inbox.disconnected(link, 1006, '');
}

describe('registered', () => {
  it('names what this dashboard accepts to an agent of protocol 3 only', async () => {
    expect((await bench.agent('h1', NEWER)).frames[0]).toEqual({
      type: 'registered',
      payload: { host_id: 'h1', protocol: 3, accepts: ACCEPTED },
    });
    expect((await bench.agent('h2')).frames[0]).toEqual({ type: 'registered', payload: { host_id: 'h2' } });
  });
});

describe('an operation that the agent does not support', () => {
  it('is refused with the reason that the page shows', async () => {
    const link = await agentWithout('rollback');
    expect(bench.fleet.host('h1')).toMatchObject({ missingCapabilities: ['rollback'] });
    expect(await ask('rollback')).toMatchObject({
      kind: 'blocked',
      blocked: {
        code: 'unsupported',
        reason: 'The agent on h1 (version 4.1.0) does not support the rollback. Update the agent.',
      },
    });
    expect(link.commands()).toEqual([]);
    expect((await ask('pull')).kind).toBe('accepted');
    expect(link.commands()).toEqual(['pull']);
  });

  it('is not queued for a host that is offline', async () => {
    away(await agentWithout('test'));
    expect(await ask('test')).toMatchObject({ kind: 'blocked', blocked: { code: 'unsupported' } });
    expect((await ask('pull')).kind).toBe('queued');
  });

  it('is skipped with a reason when the host comes back with another agent; the next command is sent', async () => {
    away(await agentWithout());
    const test = await queued('test');
    await bench.advance(10);
    await queued('pull');
    const link = await agentWithout('test');
    expect(await bench.fleet.command(test)).toMatchObject({
      outcome: 'skipped',
      reason:
        'The host came back online, but the command could not be sent: The agent on h1 (version 4.1.0) does not ' +
        'support the test run. Update the agent.',
    });
    expect(link.commands()).toEqual(['pull']);
  });

  it('is skipped when a version-1 agent has replaced the agent; its pull and switch is handed out', async () => {
    away(await agentWithout());
    const test = await queued('test');
    await queued('pull-switch');
    const call = { id: 'h1', address: '198.51.100.1', identity: { kind: 'shared' } } as const;
    const body = v1RegisterSchema.parse({ hostname: 'h1', host_type: 'nixos', agent_version: '0.4.0' });
    expect(await bench.fleet.v1Inbox.register(call, body)).toMatchObject({ kind: 'ok', command: 'pull-switch' });
    expect(await bench.fleet.command(test)).toMatchObject({ outcome: 'skipped' });
    expect((await bench.fleet.command(test))?.reason).toContain('version-1 agent');
    expect(bench.fleet.host('h1')?.missingCapabilities).toEqual(without('pull-switch'));
  });

  it('is not sent again to an agent that came back without it', async () => {
    const first = await agentWithout();
    const id = await bench.dispatch('refresh-lock');
    expect(first.commands()).toEqual(['refresh-lock']);
    away(first);
    const second = await agentWithout('refresh');
    await bench.advance(10_000);
    for (let beats = 0; beats < 3; beats += 1) await bench.say(second, 'heartbeat', QUIET);
    expect(second.commands()).toEqual([]);
    expect(await bench.fleet.command(id)).toMatchObject({
      outcome: 'rejected',
      reason: 'The agent on h1 (version 4.1.0) does not support the lock status refresh. Update the agent.',
    });
  });

  it('is sent again to an agent that came back with it', async () => {
    const first = await agentWithout();
    await bench.dispatch('refresh-lock');
    away(first);
    const second = await agentWithout();
    await bench.advance(10_000);
    for (let beats = 0; beats < 3; beats += 1) await bench.say(second, 'heartbeat', QUIET);
    expect(second.commands()).toEqual(['refresh-lock']);
  });

  it.each([
    [['refresh'], [], 'lost'],
    [[], ['refresh-system'], null],
  ] as const)(
    'does not get the question that judges a switch: without %j, it is sent %j',
    async (missing, sent, outcome) => {
      // Protocol 2: a register does not show that the switch no longer runs.
      const link = await bench.agent('h1', { capabilities: without() });
      await bench.say(link, 'heartbeat', QUIET);
      const id = await bench.dispatch('switch');
      away(link);
      const second = await bench.agent('h1', { capabilities: without(...missing) });
      await bench.say(second, 'heartbeat', QUIET);
      expect(second.commands()).toEqual(sent);
      expect((await bench.fleet.command(id))?.outcome).toBe(outcome);
    },
  );

  it('fails its stage of a pipeline with the reason', async () => {
    const link = await agentWithout('test');
    const result = await bench.fleet.startPipeline({
      kind: 'custom',
      stages: ['pull', 'test'],
      hostIds: ['h1'],
      requestId: 'pipeline',
      parallelism: 1,
      stopOnFailure: false,
      by: BY,
    });
    await bench.say(link, 'status', { status: 'ok', command: 'pull', exit_code: 0 });
    await bench.say(link, 'heartbeat', QUIET);
    expect(link.commands()).toEqual(['pull']);
    const view = await bench.fleet.pipeline(result.kind === 'started' ? result.pipelineId : '');
    expect(view).toMatchObject({ phase: 'ended', outcome: 'failed' });
    expect(view?.hosts[0]?.reason).toContain('does not support the test run');
  });
});

describe('after a restart of the dashboard', () => {
  it('a host that is still offline is judged by its protocol until its agent registers again', async () => {
    away(await agentWithout('test'));
    await bench.crash();
    expect(bench.fleet.host('h1')).toMatchObject({
      protocol: 3,
      missingCapabilities: ['activation', 'boot', 'generations', 'confirm', 'policy'],
    });
    const test = await queued('test');
    const link = await agentWithout('test');
    expect(bench.fleet.host('h1')).toMatchObject({ missingCapabilities: ['test'] });
    expect(await bench.fleet.command(test)).toMatchObject({ outcome: 'skipped' });
    expect(link.commands()).toEqual([]);
  });
});

/** The commands of the agents that name no capabilities, written out: those agents are released. */
const RELEASED =
  'pull switch pull-switch test rollback update force-update stop restart reboot check-version ' +
  'refresh-git refresh-lock refresh-system refresh-all';

describe.each([
  ['4.0.0', { protocol: 3, instance: 'one' }, ['registered', 'ack', 'command', 'kill_command']],
  ['in Go', {}, ['registered', 'command', 'kill_command']],
] as const)('an agent %s', (_name, register, frames) => {
  it('is sent no frame and no operation that is newer than it is', async () => {
    const link = await bench.agent('h1', register);
    await bench.say(link, 'heartbeat', QUIET);
    const kinds: string[] = [];
    for (const operation of Object.values(OPERATIONS)) {
      if (operation.runs !== 'agent' || operation.scope !== 'host') continue;
      kinds.push((await ask(operation.id)).kind);
      for (const name of link.commands().slice(-1))
        await bench.say(link, 'status', { status: 'ok', command: name, exit_code: 0 });
      await bench.say(link, 'heartbeat', QUIET);
    }
    expect(kinds).toContain('accepted');
    expect([...RELEASED.split(' '), 'kill_command']).toEqual(expect.arrayContaining(link.commands()));
    expect(frames).toEqual(expect.arrayContaining(link.frames.map(({ type }) => type)));
    expect(await ask('boot')).toMatchObject({ kind: 'blocked' });
  });
});
