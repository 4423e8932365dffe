/** The generations that an agent reports, and the switch to one of them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import { STAGE_CHOICES } from '../pipelines/pipeline-definitions';
import { BY, openBench, QUIET, type Bench, type TestLink } from '../testing/test-fleet';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(async () => {
  await bench.close();
});

const agent = async (name: string): Promise<TestLink> => {
  const link = await bench.agent(name, { protocol: 3, agent_version: '4.1.0', capabilities: CAPABILITIES });
  await bench.say(link, 'heartbeat', QUIET);
  return link;
};
let requests = 0;
const ask = (args: Record<string, unknown> | undefined, hostIds = ['h1'], more: object = {}) =>
  bench.fleet.dispatch({
    operation: 'switch-generation',
    hostIds,
    requestId: `ask-${(requests += 1)}`,
    by: BY,
    ...(args === undefined ? {} : { args }),
    ...more,
  });
const generation = (number: number, more: object = {}) => ({
  number,
  created_at: number * 1_000,
  nixos_version: '26.05',
  kernel_version: '6.12.40',
  configuration_revision: '',
  runs: false,
  next_boot: false,
  booted: false,
  ...more,
});
const stored = (number: number, more: object = {}) => ({
  number,
  createdAt: number * 1_000,
  nixosVersion: '26.05',
  kernelVersion: '6.12.40',
  revision: '',
  runs: false,
  nextBoot: false,
  booted: false,
  ...more,
});

describe('the generations of a host', () => {
  it('are kept as its agent reported them last, newest first and each number once', async () => {
    const link = await agent('h1');
    expect(await bench.fleet.systemGenerations('h1')).toBeNull();
    const at = bench.clock.now();
    const reported = [generation(3), generation(12, { runs: true, next_boot: true }), generation(3, { booted: true })];
    await bench.say(link, 'system_generations', { generations: reported, total: 1 });
    expect(await bench.fleet.systemGenerations('h1')).toEqual({
      at,
      total: 2,
      generations: [stored(12, { runs: true, nextBoot: true }), stored(3)],
    });
    await bench.say(link, 'system_generations', { generations: [generation(13)], total: 9 });
    expect(await bench.fleet.systemGenerations('h1')).toMatchObject({ total: 9, generations: [stored(13)] });
    expect(await bench.fleet.systemGenerations('h2')).toBeNull();
  });

  it('survive a restart of the dashboard', async () => {
    await bench.say(await agent('h1'), 'system_generations', { generations: [generation(4)], total: 1 });
    await bench.crash();
    expect(await bench.fleet.systemGenerations('h1')).toMatchObject({ total: 1, generations: [stored(4)] });
  });

  it('change nothing that is sent to all browsers', async () => {
    const link = await agent('h1');
    const before = bench.fleet.hostViews();
    await bench.say(link, 'system_generations', { generations: [generation(4)], total: 1 });
    expect(bench.fleet.hostViews()).toEqual(before);
    expect(JSON.stringify(before)).not.toContain('6.12.40');
  });
});

describe('a switch to a generation', () => {
  it('is sent with its number, which its command and its events name', async () => {
    const link = await agent('h1');
    const [result] = await ask({ generation: 12 });
    if (result?.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(result)}`);
    const { commandId } = result;
    expect(link.frames.at(-1)).toEqual({
      type: 'command',
      payload: { command: 'switch-generation', generation: 12, id: commandId },
    });
    expect(bench.fleet.host('h1')?.command).toMatchObject({ operation: 'switch-generation', generation: 12 });
    expect((await ask({ generation: 13 }))[0]).toMatchObject({
      blocked: { code: 'busy', reason: 'h1 is busy: the switch to generation 12 is in progress.' },
    });
    const message = 'Generation 12 does not exist any more on this host';
    await bench.say(link, 'status', {
      command_id: commandId,
      command: 'switch-generation',
      status: 'error',
      exit_code: 1,
      message,
    });
    await bench.say(link, 'heartbeat', QUIET);
    expect(await bench.fleet.command(commandId)).toMatchObject({
      outcome: 'failed',
      generation: 12,
      reason: `${message}.`,
    });
    expect(bench.fleet.host('h1')?.command).toBeNull();
    const sentences = bench.events.map((event) => event.message);
    expect(sentences).toContain('The switch to generation 12 on h1 was requested.');
    expect(sentences).toContain(
      'The switch to generation 13 on h1 was refused: h1 is busy: the switch to generation 12 is in progress.',
    );
    expect(sentences).toContain(`The switch to generation 12 on h1 failed (exit code 1). ${message}.`);
  });

  it('keeps its number across a restart of the dashboard, and is sent again with it', async () => {
    await agent('h1');
    await ask({ generation: 12 });
    await bench.crash();
    expect(bench.fleet.host('h1')?.command).toMatchObject({ generation: 12 });
  });

  it.each([
    [undefined],
    [{}],
    [{ generation: 0 }],
    [{ generation: 1_000_000_000 }],
    [{ generation: '12' }],
    [{ generation: 12, color: 'x' }],
  ])('is refused with the arguments %j', async (args) => {
    const link = await agent('h1');
    expect(await ask(args)).toMatchObject([{ kind: 'blocked', blocked: { code: 'bad-args' } }]);
    expect(link.commands()).toEqual([]);
  });

  it('is refused for several hosts at once, also by force', async () => {
    const links = [await agent('h1'), await agent('h2')];
    const results = await ask({ generation: 12 }, ['h1', 'h2'], { force: true, stepUp: true });
    expect(results).toMatchObject([
      { kind: 'blocked', blocked: { code: 'one-host', forceable: false } },
      { kind: 'blocked', blocked: { code: 'one-host', forceable: false } },
    ]);
    expect(links.map((link) => link.commands())).toEqual([[], []]);
  });

  it('needs a proof for many hosts one by one, as a rollback does', async () => {
    await agent('h1');
    await agent('h2');
    expect((await ask({ generation: 12 }))[0]).toMatchObject({ kind: 'accepted' });
    expect((await ask({ generation: 12 }, ['h2']))[0]).toMatchObject({ blocked: { code: 'step-up-required' } });
    expect((await ask({ generation: 12 }, ['h2'], { stepUp: true }))[0]).toMatchObject({ kind: 'accepted' });
  });

  it('is no stage of a pipeline', () => {
    expect(STAGE_CHOICES).not.toContain('switch-generation');
  });

  it('says what a host without the capability needs', async () => {
    await bench.agent('h1', {
      protocol: 3,
      agent_version: '4.1.0',
      capabilities: CAPABILITIES.filter((name) => !['activation', 'boot', 'generations'].includes(name)),
    });
    expect((await ask({ generation: 12 }))[0]).toMatchObject({
      blocked: {
        code: 'unsupported',
        reason:
          'The agent on h1 (version 4.1.0) does not support the switch to another generation. It needs NixOS and ' +
          'nixfleet-root, which the NixOS module of this version installs.',
      },
    });
  });
});
