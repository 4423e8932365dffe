/** What a host accepts: as its agent reports it, as pages say it beforehand, and as commands end that it refuses. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BY, openBench, QUIET, type Bench, type TestLink } from '../testing/test-fleet';
import { AGENT_CAPABILITIES, POLICY, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import { REFUSED_REASONS } from '@/lib/protocol/agent/host-policy';
import type { OperationId } from '@/lib/protocol/operation-ids';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const SOURCE = '/etc/nixfleet-agent/policy.json';
const ALL = [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES];
let processes = 0;
async function dial(hostname = 'h1', capabilities: readonly string[] = ALL): Promise<TestLink> {
  processes += 1;
  const register = { host_type: 'nixos', protocol: 3, instance: `p${processes}`, finished: [], running: null };
  const link = await bench.agent(hostname, { ...register, capabilities });
  await bench.say(link, 'heartbeat', QUIET);
  return link;
}
const report = (link: TestLink, policy: object) =>
  bench.say(link, 'host_policy', { state: 'set', source: SOURCE, ...policy });
let requests = 0;
const request = async (operation: OperationId, more: Record<string, unknown> = {}, hostIds = ['h1']) => {
  const [answer] = await bench.fleet.dispatch({
    operation,
    hostIds,
    requestId: `r${(requests += 1)}`,
    stepUp: true,
    by: BY,
    ...more,
  });
  return answer;
};
const policyOf = (name = 'h1') => bench.fleet.host(name)?.policy;
const refusal = (link: TestLink, command: string, id: string, more: object = {}) =>
  bench.say(link, 'status', {
    status: 'error',
    command,
    command_id: id,
    exit_code: 77,
    last_seq: 0,
    restarting: false,
    refused: 'signature',
    message: 'Refused by the host: the commit 3c9a808 is not signed by an accepted signer',
    ...more,
  });

describe('the policy of a host', () => {
  it('is kept as its agent reported it last, also across a restart of the dashboard', async () => {
    const link = await dial();
    expect(policyOf()).toBeNull();
    await report(link, {
      operations: ['switch', 'pull', 'of-a-newer-agent'],
      hours: { zone: 'Europe/Berlin', windows: [{ days: ['sun'], from: 1320, to: 240 }] },
      branches: ['main'],
      signers: [{ name: 'alice@example.org', key: 'ssh-ed25519 SHA256:abc' }],
      more_signers: 2,
      oldest_commit: '3c9a808',
      confirmed: true,
    });
    const expected = {
      state: 'set',
      source: SOURCE,
      problem: '',
      operations: ['pull', 'switch'],
      hours: { zone: 'Europe/Berlin', windows: [{ days: ['sun'], from: 1320, to: 240 }] },
      branches: ['main'],
      signers: [{ name: 'alice@example.org', key: 'ssh-ed25519 SHA256:abc' }],
      moreSigners: 2,
      oldestCommit: '3c9a808',
      confirmed: true,
    };
    expect(policyOf()).toEqual(expected);
    await bench.crash();
    expect(policyOf()).toEqual(expected);
    await report(await dial(), { state: 'none' });
    expect(policyOf()).toMatchObject({ state: 'none', operations: null, confirmed: false });
  });

  it('is in the activity when it changes, and not where there never was one', async () => {
    const link = await dial();
    const changes = () => bench.events.filter(({ action }) => action === 'agent.policy').map(({ message }) => message);
    await report(link, { state: 'none' });
    await report(link, { state: 'none' });
    expect(changes()).toEqual([]);
    await report(link, { operations: ['pull'] });
    await report(link, { operations: ['pull'] });
    await report(link, { operations: ['pull', 'switch'] });
    await report(link, { state: 'unreadable', problem: 'is not JSON' });
    await report(link, { state: 'none' });
    await bench.advance(1_000);
    expect(changes()).toEqual([
      'The host follows a policy.',
      'The policy of the host has changed.',
      'The policy of the host can’t be used, so the host refuses every operation that would change it: is not JSON.',
      'The host has no policy any more: it accepts everything.',
    ]);
  });

  it('is forgotten with an agent that does not follow one', async () => {
    const link = await dial();
    await report(link, { operations: [] });
    await bench.hangUp(link);
    await dial(
      'h1',
      AGENT_CAPABILITIES.filter((name) => name !== POLICY),
    );
    expect(policyOf()).toBeNull();
    expect(await request('pull')).toMatchObject({ kind: 'accepted' });
  });

  it('with a zone that this dashboard does not know is shown, and blocks nothing by its hours', async () => {
    const link = await dial();
    await report(link, { hours: { zone: 'Mars/Olympus', windows: [] } });
    expect(policyOf()).toMatchObject({ hours: { zone: 'Mars/Olympus', windows: [] } });
    expect(await request('pull')).toMatchObject({ kind: 'accepted' });
  });
});

describe('an operation that the host will refuse', () => {
  it.each([
    ['not listed', { operations: ['pull'] }, 'switch', 'h1 does not accept the switch: its policy does not list it.'],
    ['a policy that can’t be used', { state: 'unreadable', problem: 'is not JSON' }, 'pull', `${SOURCE} is not JSON.`],
    ['not confirmed', { confirmed: true }, 'boot', 'h1 accepts only confirmed switches'],
    ['without a commit', { branches: ['main'] }, 'update', 'h1 builds only commits, and the'],
  ] as const)(
    'is blocked with the reason (%s), and sent all the same by force',
    async (_name, policy, operation, reason) => {
      const link = await dial();
      await report(link, policy);
      expect(await request(operation)).toMatchObject({
        kind: 'blocked',
        blocked: { code: 'policy', reason: expect.stringContaining(reason) as string, forceable: true },
      });
      expect(link.frames.filter(({ type }) => type === 'command')).toEqual([]);
      expect(await request(operation, { force: true })).toMatchObject({ kind: 'accepted' });
      expect(link.frames.filter(({ type }) => type === 'command')).toHaveLength(1);
    },
  );

  it('is blocked outside the hours alone, with the next opening', async () => {
    const link = await dial();
    const now = new Date(bench.clock.now());
    const minute = now.getUTCHours() * 60 + now.getUTCMinutes();
    const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
    const from = (minute + 60) % 1_440;
    await report(link, { hours: { zone: 'UTC', windows: [{ days, from, to: (from + 120) % 1_440 }] } });
    expect(await request('pull')).toMatchObject({
      kind: 'blocked',
      blocked: { reason: expect.stringContaining('The next window opens') as string },
    });
    expect(await request('refresh-all')).toMatchObject({ kind: 'accepted' });
    await bench.advance(61 * 60_000);
    await dial();
    expect(await request('pull')).toMatchObject({ kind: 'accepted' });
  });

  it('is confirmed by default where nothing else is accepted, also on the host of a dashboard', async () => {
    const link = await bench.agent('h1', {
      host_type: 'nixos',
      protocol: 3,
      instance: 'p',
      finished: [],
      running: null,
      hosts_dashboard: true,
      capabilities: ALL,
    });
    await bench.say(link, 'heartbeat', QUIET);
    await report(link, { confirmed: true });
    expect(await request('switch')).toMatchObject({ kind: 'accepted' });
    const sent = link.frames.flatMap((frame) => (frame.type === 'command' ? [frame.payload.confirm] : []));
    expect(sent).toEqual([{ window_s: 180 }]);
  });
});

describe('a refused command', () => {
  it('has an outcome and an event of its own, and says nothing about the system', async () => {
    const link = await dial();
    const before = bench.fleet.host('h1')?.compartments.system;
    const id = await bench.dispatch('switch');
    await refusal(link, 'switch', id);
    await bench.say(link, 'heartbeat', QUIET);
    expect(await bench.fleet.command(id)).toMatchObject({
      outcome: 'refused',
      exitCode: 77,
      reason: 'Refused by the host: the commit 3c9a808 is not signed by an accepted signer.',
    });
    expect(bench.events.at(-1)).toMatchObject({ action: 'command.ended', level: 'error', outcome: 'refused' });
    expect(bench.events.at(-1)?.message).toBe(
      'The switch on h1 was refused by the host: the commit 3c9a808 is not signed by an accepted signer.',
    );
    expect(bench.fleet.host('h1')?.compartments.system).toEqual(before);
    // The host is free.
    expect(await request('pull')).toMatchObject({ kind: 'accepted' });
  });

  it.each(REFUSED_REASONS)('has a reason without a message as well: %s', async (reason) => {
    const link = await dial();
    const id = await bench.dispatch('pull');
    await refusal(link, 'pull', id, { refused: reason, message: '' });
    await bench.say(link, 'heartbeat', QUIET);
    const command = await bench.fleet.command(id);
    expect(command?.outcome).toBe('refused');
    expect(command?.reason).toMatch(/^\p{Lu}.+\.$/u);
  });

  it('with a rule that this dashboard does not know has failed, with the reason as text', async () => {
    const link = await dial();
    const id = await bench.dispatch('pull');
    await refusal(link, 'pull', id, { refused: 'of-a-newer-agent' });
    await bench.say(link, 'heartbeat', QUIET);
    expect(await bench.fleet.command(id)).toMatchObject({
      outcome: 'failed',
      reason: 'Refused by the host: the commit 3c9a808 is not signed by an accepted signer.',
    });
  });

  it.each(['restart', 'reboot'] as const)(
    '%s ends at once, and nobody waits for the host to come back',
    async (operation) => {
      const link = await dial();
      const id = await bench.dispatch(operation);
      await refusal(link, operation, id, { refused: 'operation', message: '' });
      await bench.say(link, 'heartbeat', QUIET);
      expect(await bench.fleet.command(id)).toMatchObject({ outcome: 'refused' });
      expect(bench.fleet.host('h1')?.control).toBeNull();
    },
  );

  it('is counted apart in a pipeline, which stops at it', async () => {
    const links = new Map<string, TestLink>();
    for (const name of ['h1', 'h2', 'h3']) links.set(name, await dial(name));
    // Pipelines send what the host will refuse: it is the judge.
    const first = links.get('h1');
    if (!first) throw new Error('no link');
    await report(first, { operations: [] });
    const started = await bench.fleet.startPipeline({
      kind: 'custom',
      stages: ['pull'],
      hostIds: ['h1', 'h2', 'h3'],
      requestId: 'p1',
      parallelism: 1,
      stopOnFailure: true,
      by: BY,
    });
    if (started.kind !== 'started') throw new Error('not started');
    await bench.advance(1_000);
    await refusal(first, 'pull', bench.fleet.host('h1')?.command?.id ?? '');
    await bench.say(first, 'heartbeat', QUIET);
    await bench.advance(2_000);
    expect(await bench.fleet.pipeline(started.pipelineId)).toMatchObject({
      outcome: 'failed',
      reason: '1 refused, 2 skipped. h1 refused it, and this pipeline stops at the first failure.',
      counts: { done: 0, failed: 0, refused: 1, skipped: 2 },
      hosts: [{ status: 'refused' }, { status: 'skipped' }, { status: 'skipped' }],
    });
  });

  it('that was queued is sent when the host is back, and the host decides', async () => {
    const link = await dial();
    await report(link, { operations: [] });
    await bench.hangUp(link);
    const answer = await request('pull', { queueForMs: 600_000 });
    expect(answer).toMatchObject({ kind: 'queued' });
    const again = await dial();
    await bench.advance(1_000);
    const [sent] = again.frames.flatMap((frame) => (frame.type === 'command' ? [frame.payload] : []));
    await refusal(again, 'pull', sent?.id ?? '', { refused: 'operation' });
    await bench.say(again, 'heartbeat', QUIET);
    expect(await bench.fleet.command(sent?.id ?? '')).toMatchObject({ outcome: 'refused' });
  });
});
