import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MIN_QUEUE_MS } from '../operations/queue-time';
import { BY, openBench, QUIET, type Bench, type TestLink } from '../testing/test-fleet';
import { AGENT_CAPABILITIES, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import type { OperationId } from '@/lib/protocol/operation-ids';

const CONFIRMING = [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES];
const OLDER = [...AGENT_CAPABILITIES, 'activation', 'boot'];
const MINUTE = 60_000;

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

let processes = 0;
async function dial(hostname: string, capabilities: readonly string[], more: Record<string, unknown> = {}) {
  processes += 1;
  const register = { host_type: 'nixos', protocol: 3, instance: `p${processes}`, finished: [], running: null };
  const link = await bench.agent(hostname, { ...register, capabilities, ...more });
  if (!('running' in more)) await bench.say(link, 'heartbeat', QUIET);
  return link;
}
const request = (operation: OperationId, more: Record<string, unknown> = {}) =>
  bench.fleet.dispatch({ operation, hostIds: ['h1'], requestId: `r-${operation}`, stepUp: true, by: BY, ...more });
const confirmsOf = (link: TestLink) =>
  link.frames.flatMap((frame) => (frame.type === 'confirm' ? [frame.payload] : []));
const sentOn = (link: TestLink) =>
  link.frames.flatMap((frame) => (frame.type === 'command' ? [frame.payload.confirm?.window_s ?? null] : []));
const report = (link: TestLink, id: string, stage: string, status = 'passed') =>
  bench.say(link, 'confirmation', {
    command_id: id,
    stage,
    seconds_left: 180,
    system: '/nix/store/b-new',
    previous: '/nix/store/a-old',
    checks: [{ name: 'units', kind: 'units', status, before: 'passed', enforced: true, reason: '' }],
    reason: '',
  });
/** A host that tries a new system and waits on a connection that was made after the activation. */
async function trial() {
  const first = await dial('h1', CONFIRMING);
  const id = await bench.dispatch('switch');
  await report(first, id, 'activating', 'pending');
  await bench.hangUp(first);
  const link = await dial('h1', CONFIRMING, { running: { command_id: id } });
  await report(link, id, 'waiting', 'pending');
  return { id, link };
}
const result = (link: TestLink, id: string, more: Record<string, unknown>) =>
  bench.say(link, 'status', { command: 'switch', command_id: id, last_seq: 0, restarting: false, ...more });
const viewOf = (id: string) => bench.fleet.command(id);

describe('the request of a confirmed switch', () => {
  it.each([
    ['switch', CONFIRMING, 180],
    ['pull-switch', CONFIRMING, 180],
    ['force-update', CONFIRMING, 180],
    ['pull', CONFIRMING, null],
    ['boot', CONFIRMING, null],
    ['switch', OLDER, null],
  ] as const)('%s to an agent with %j asks for a window of %s', async (operation, capabilities, windowS) => {
    const link = await dial('h1', capabilities);
    expect(await request(operation)).toMatchObject([{ kind: 'accepted' }]);
    expect(sentOn(link)).toEqual([windowS]);
  });

  it('is unconfirmed when the operator turned it off for this switch', async () => {
    const link = await dial('h1', CONFIRMING);
    await request('switch', { confirm: false });
    expect(sentOn(link)).toEqual([null]);
  });

  it('is unconfirmed where a dashboard runs, unless an operator asks for it', async () => {
    const link = await dial('h1', CONFIRMING, { hosts_dashboard: true, running: null });
    await bench.say(link, 'heartbeat', QUIET);
    await request('switch');
    expect(sentOn(link)).toEqual([null]);
    const other = await dial('h2', CONFIRMING, { hosts_dashboard: true, running: null });
    await bench.say(other, 'heartbeat', QUIET);
    await bench.fleet.dispatch({ operation: 'switch', hostIds: ['h2'], requestId: 'r2', confirm: true, by: BY });
    expect(sentOn(other)).toEqual([180]);
  });

  it.each([
    ['on', false, 180],
    ['on', true, 180],
    ['off', true, null],
    ['default', false, null],
  ] as const)(
    'on a host that is set to %s, where the dashboard has it turned on: %s',
    async (setting, enabled, windowS) => {
      await bench.close();
      bench = await openBench({ confirm: { enabled, windowS: 180 } });
      const link = await dial('h1', CONFIRMING);
      expect(await bench.fleet.setConfirm(['h1', 'unknown'], setting, BY)).toBeNull();
      await bench.crash();
      const again = await dial('h1', CONFIRMING);
      expect(bench.fleet.host('h1')?.confirmSwitches).toBe(setting);
      await request('switch');
      expect([sentOn(link), sentOn(again)]).toEqual([[], [windowS]]);
      const events = await bench.fleet.events({ limit: 50 });
      expect(events.filter(({ action }) => action === 'host.confirm-set')).toHaveLength(setting === 'default' ? 0 : 1);
    },
  );

  it('means the same when it waited for its host, also after a restart of the dashboard', async () => {
    await bench.hangUp(await dial('h1', CONFIRMING));
    await request('switch', { queueForMs: MIN_QUEUE_MS });
    await bench.crash();
    expect(sentOn(await dial('h1', CONFIRMING))).toEqual([180]);
  });

  it('stays unconfirmed when it waited for its host', async () => {
    await bench.hangUp(await dial('h1', CONFIRMING));
    await request('switch', { queueForMs: MIN_QUEUE_MS, confirm: false });
    expect(sentOn(await dial('h1', CONFIRMING))).toEqual([null]);
  });

  it.each([
    ['of 4.0.0', { capabilities: null, protocol: 3 }, 'the agent does not use nixfleet-root'],
    ['in Go', { capabilities: null, protocol: 2 }, 'the agent is too old'],
    ['without nixfleet-root', { capabilities: AGENT_CAPABILITIES }, 'the agent does not use nixfleet-root'],
    ['on macOS', { capabilities: AGENT_CAPABILITIES, host_type: 'macos' }, 'macOS can’t take a switch back'],
  ] as const)('says in the output that it is not confirmed with an agent %s', async (_agent, registered, why) => {
    const link = await dial('h1', [], registered);
    const [sent] = await request('switch');
    if (sent?.kind !== 'accepted') throw new Error('not accepted');
    expect(sentOn(link)).toEqual([null]);
    const lines = await bench.fleet.output(sent.commandId, 0, 10);
    expect(lines).toMatchObject([{ stream: 'note', text: `Not confirmed: ${why}.` }]);
  });

  it('says in the output when the agent that came back can’t do it', async () => {
    await bench.hangUp(await dial('h1', CONFIRMING));
    const [queued] = await request('switch', { queueForMs: MIN_QUEUE_MS });
    if (queued?.kind !== 'queued') throw new Error('not queued');
    expect(sentOn(await dial('h1', OLDER))).toEqual([null]);
    const lines = await bench.fleet.output(queued.commandId, 0, 10);
    expect(lines).toMatchObject([{ stream: 'note', text: 'Not confirmed: the agent is too old.' }]);
  });
});

describe('the answer', () => {
  it('is stored before it is sent, and repeated after a restart of the dashboard', async () => {
    const { id, link } = await trial();
    await report(link, id, 'waiting');
    expect(confirmsOf(link)).toEqual([{ command_id: id, keep: true, by_operator: false }]);
    await bench.crash();
    expect((await viewOf(id))?.confirmation?.answer).toEqual({ keep: true, by: '' });
    const again = await dial('h1', CONFIRMING, { running: { command_id: id } });
    // The dashboard does not decide again.
    await report(again, id, 'waiting', 'pending');
    expect(confirmsOf(again)).toEqual([{ command_id: id, keep: true, by_operator: false }]);
  });

  it('is not sent when it could not be stored', async () => {
    const { id, link } = await trial();
    bench.database.db.$client.pragma('query_only = on');
    await report(link, id, 'waiting');
    expect(confirmsOf(link)).toEqual([]);
    bench.database.db.$client.pragma('query_only = off');
    await bench.advance(2_000);
    expect(confirmsOf(link)).toEqual([{ command_id: id, keep: true, by_operator: false }]);
  });

  it('of an operator is recorded once, and a contrary one is refused', async () => {
    const { id, link } = await trial();
    expect(await bench.fleet.answerConfirmation(id, false, { ...BY, userName: 'ada' })).toEqual({ ok: true });
    expect(confirmsOf(link)).toEqual([{ command_id: id, keep: false, by_operator: true }]);
    expect(await bench.fleet.answerConfirmation(id, false, BY)).toEqual({ ok: true });
    expect(await bench.fleet.answerConfirmation(id, true, BY)).toEqual({
      ok: false,
      reason: 'ada has already answered: go back to the previous system.',
    });
    const answers = bench.events.filter(({ action }) => action === 'command.answered');
    expect(answers).toMatchObject([{ actor: 'ada', commandId: id, params: { operation: 'switch', answer: 'revert' } }]);
  });

  it('is refused for a command that has ended, and for one that is not known', async () => {
    const { id, link } = await trial();
    await result(link, id, { status: 'ok', exit_code: 0 });
    await bench.say(link, 'heartbeat', QUIET);
    for (const one of [id, 'nobody']) {
      expect(await bench.fleet.answerConfirmation(one, true, BY)).toEqual({
        ok: false,
        reason: 'The command has ended.',
      });
    }
  });
});

describe('a host that tries a new system', () => {
  it.each([
    ['pull', 'Use Keep now or Revert now, or wait.'],
    ['stop', 'use Revert now'],
    ['kill', 'use Revert now'],
    ['reboot', 'Use Keep now or Revert now'],
    ['restart', 'Use Keep now or Revert now'],
  ] as const)('is not sent %s', async (operation, reason) => {
    await trial();
    expect(await request(operation)).toMatchObject([
      { kind: 'blocked', blocked: { code: 'confirming', reason: expect.stringContaining(reason) as string } },
    ]);
  });

  it('is sent what waits for it afterwards', async () => {
    const { id, link } = await trial();
    await bench.hangUp(link);
    expect(await request('test', { queueForMs: MIN_QUEUE_MS })).toMatchObject([{ kind: 'queued' }]);
    const again = await dial('h1', CONFIRMING, { running: { command_id: id } });
    await bench.say(again, 'heartbeat', QUIET);
    expect(again.commands()).toEqual([]);
    await result(again, id, { status: 'ok', exit_code: 0 });
    await bench.say(again, 'heartbeat', QUIET);
    await bench.say(again, 'heartbeat', QUIET);
    expect(again.commands()).toContain('test');
  });
});

describe('a switch that was taken back', () => {
  const failed = { status: 'error', exit_code: 1, message: 'web: HTTP 502', rolled_back: 'check-failed' };

  it('has a separate outcome: command, event, System and the view of its last report', async () => {
    const { id, link } = await trial();
    await report(link, id, 'going-back', 'failed');
    await result(link, id, failed);
    await bench.say(link, 'heartbeat', QUIET);
    expect(await viewOf(id)).toMatchObject({
      outcome: 'rolled-back',
      reason: 'A check of the new system failed. The previous system runs again. The host reported: web: HTTP 502.',
      confirmation: { system: '/nix/store/b-new', previous: '/nix/store/a-old', checks: [{ status: 'failed' }] },
    });
    expect(bench.events.at(-1)).toMatchObject({ action: 'command.ended', level: 'error', outcome: 'rolled-back' });
    expect(bench.events.at(-1)?.message).toMatch(/^The switch on h1 was rolled back \(exit code 1\)\. A check/);
    expect(bench.fleet.host('h1')?.compartments.system.status).toBe('error');
  });

  it('has its count in the summary of a pipeline, and stops one that stops at the first failure', async () => {
    const links = new Map<string, TestLink>();
    for (const name of ['h1', 'h2', 'h3']) links.set(name, await dial(name, CONFIRMING));
    const started = await bench.fleet.startPipeline({
      kind: 'custom',
      stages: ['switch'],
      hostIds: ['h1', 'h2', 'h3'],
      requestId: 'p1',
      parallelism: 2,
      stopOnFailure: true,
      by: BY,
    });
    if (started.kind !== 'started') throw new Error('not started');
    await bench.advance(1_000);
    for (const [name, payload] of [
      ['h1', failed],
      ['h2', { status: 'ok', exit_code: 0 }],
    ] as const) {
      const id = bench.fleet.host(name)?.command?.id ?? '';
      const link = links.get(name);
      if (!link) throw new Error('no link');
      await result(link, id, payload);
      await bench.say(link, 'heartbeat', QUIET);
    }
    await bench.advance(2_000);
    expect(await bench.fleet.pipeline(started.pipelineId)).toMatchObject({
      outcome: 'partial',
      reason: '1 done, 1 rolled back, 1 skipped. h1 was rolled back, and this pipeline stops at the first failure.',
      counts: { done: 1, failed: 0, 'rolled-back': 1, refused: 0, skipped: 1 },
      hosts: [{ status: 'rolled-back' }, { status: 'done' }, { status: 'skipped' }],
    });
  });

  it('is unconfirmed in a pipeline that was started so', async () => {
    const link = await dial('h1', CONFIRMING);
    await bench.fleet.startPipeline({
      kind: 'custom',
      stages: ['switch'],
      hostIds: ['h1'],
      requestId: 'p1',
      parallelism: 1,
      stopOnFailure: false,
      confirm: false,
      by: BY,
    });
    await bench.advance(2_000);
    expect(sentOn(link)).toEqual([null]);
  });

  it('corrects a command that was given up', async () => {
    const { id, link } = await trial();
    await bench.hangUp(link);
    await bench.advance(120 * MINUTE);
    expect(await viewOf(id)).toMatchObject({ outcome: 'lost' });
    const again = await dial('h1', CONFIRMING, { finished: [id] });
    await result(again, id, { ...failed, rolled_back: 'no-contact' });
    expect(await viewOf(id)).toMatchObject({ outcome: 'rolled-back' });
  });
});
