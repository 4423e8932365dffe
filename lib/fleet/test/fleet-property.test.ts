/**
 * Anything that operators, agents, the network and crashes can do to a fleet, in any order: every command ends and stays
 * ended, no host stays busy, nothing is sent twice, and each end causes one event.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OPERATIONS } from '../operations/operations';
import { MIN_QUEUE_MS } from '../operations/queue-time';
import { BY, openBench, QUIET, type Bench, type TestLink } from '../testing/test-fleet';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';

const HOSTS = ['a', 'b'];
const MINUTE = 60_000;

interface Agent {
  link: TestLink;
  protocol: 2 | 3;
  instance: string;
}

/** What a run has observed. */
class World {
  readonly agents = new Map<string, Agent>();
  readonly links: TestLink[] = [];
  private count = 0;

  constructor(readonly bench: Bench) {}

  next(): number {
    return ++this.count;
  }

  async dial(name: string, protocol: 2 | 3, sameProcess: boolean): Promise<void> {
    await this.hangUp(name);
    const known = this.agents.get(name);
    const instance = sameProcess && known ? known.instance : `process-${this.next()}`;
    const three = protocol === 3 ? { protocol: 3, instance, running: null, finished: [] } : {};
    const link = await this.bench.agent(name, three);
    this.links.push(link);
    this.agents.set(name, { link, protocol, instance });
    await this.bench.say(link, 'heartbeat', QUIET);
  }

  async hangUp(name: string): Promise<void> {
    const agent = this.agents.get(name);
    if (agent) await this.bench.hangUp(agent.link);
  }

  async say(name: string, type: string, payload: unknown): Promise<void> {
    const agent = this.agents.get(name);
    if (agent) await this.bench.say(agent.link, type, payload);
  }
}

type Act = (world: World) => Promise<void> | void;

const host = fc.constantFrom(...HOSTS);
const operation = fc.constantFrom<OperationId>(...OPERATION_IDS);
const runningOn = (world: World, name: string) => {
  const { command, control } = world.bench.fleet.host(name) ?? {};
  return control ?? command ?? null;
};
const wireName = (id: OperationId) => {
  const { wire } = OPERATIONS[id];
  return wire?.kind === 'command' ? wire.command : '';
};

const ask = fc
  .record({ operation, hosts: fc.subarray(HOSTS, { minLength: 1 }), force: fc.boolean(), queue: fc.boolean() })
  .map(({ operation: id, hosts, force, queue }): Act => {
    return async (world) => {
      await world.bench.fleet.dispatch({
        operation: id,
        hostIds: hosts,
        requestId: `request-${world.next()}`,
        force,
        ...(queue ? { queueForMs: MIN_QUEUE_MS } : {}),
        ...(id === 'set-color' ? { args: { color: force ? null : '#abcdef' } } : {}),
        stepUp: true,
        by: BY,
      });
    };
  });
const dial = fc.record({ name: host, protocol: fc.constantFrom(2 as const, 3 as const), same: fc.boolean() }).map(
  ({ name, protocol, same }): Act =>
    (world) =>
      world.dial(name, protocol, same),
);
const hangUp = host.map(
  (name): Act =>
    (world) =>
      world.hangUp(name),
);
const beat = fc
  .record({
    name: host,
    shows: fc.constantFrom('nothing', 'it', 'another'),
    generation: fc.constantFrom('aaaaaaa', 'bbbbbbb'),
  })
  .map(({ name, shows, generation }): Act => async (world) => {
    const running = runningOn(world, name);
    const pending = shows === 'nothing' || !running ? null : shows === 'it' ? wireName(running.operation) : 'test';
    await world.say(name, 'heartbeat', { ...QUIET, generation, pending_command: pending === '' ? null : pending });
  });
const status = fc
  .record({
    name: host,
    status: fc.constantFrom('ok', 'error', 'stopped', 'warning'),
    twice: fc.boolean(),
    restarting: fc.boolean(),
  })
  .map(({ name, status: said, twice, restarting }): Act => async (world) => {
    const running = runningOn(world, name);
    if (!running) return;
    const three = world.agents.get(name)?.protocol === 3 ? { command_id: running.id, last_seq: 0, restarting } : {};
    const payload = { status: said, command: wireName(running.operation), exit_code: said === 'ok' ? 0 : 1, ...three };
    for (let n = 0; n < (twice ? 2 : 1); n += 1) await world.say(name, 'status', payload);
  });
const talk = fc
  .record({ name: host, what: fc.constantFrom('output', 'progress', 'rejected', 'nonsense') })
  .map(({ name, what }): Act => async (world) => {
    if (what === 'output') await world.say(name, 'output', { line: 'x', stream: 'stdout' });
    if (what === 'progress')
      await world.say(name, 'operation_progress', {
        progress: { system: { current: 0, total: 3, status: 'in_progress' } },
      });
    if (what === 'rejected') await world.say(name, 'command_rejected', { reason: 'busy', current_command: 'pull' });
    if (what === 'nonsense') await world.say(name, 'status', { status: 'fine' });
  });
const pass = fc.oneof(fc.nat({ max: 10_000 }), fc.constantFrom(3 * MINUTE, 11 * MINUTE)).map(
  (ms): Act =>
    ({ bench }) =>
      bench.advance(ms),
);
const crash = fc.constant<Act>(async (world) => {
  await world.bench.crash();
  world.agents.clear();
});
const cancel = host.map((name): Act => async ({ bench }) => {
  const waiting = bench.fleet.host(name)?.queue[0];
  if (waiting) await bench.fleet.cancel(waiting.id, BY);
});
const add = host.map((name): Act => async ({ bench }) => {
  const requestId = `add-${bench.clock.now()}`;
  await bench.fleet.addHost({ name, type: '', location: '', deviceType: '', color: null, requestId, by: BY });
});
const extend = host.map((name): Act => async ({ bench }) => {
  const running = bench.fleet.host(name)?.command;
  if (running) await bench.fleet.extend(running.id, 10 * MINUTE, BY);
});

const acts = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: ask },
    { weight: 4, arbitrary: dial },
    { weight: 2, arbitrary: hangUp },
    { weight: 5, arbitrary: beat },
    { weight: 4, arbitrary: status },
    { weight: 2, arbitrary: talk },
    { weight: 3, arbitrary: pass },
    { weight: 1, arbitrary: crash },
    { weight: 1, arbitrary: cancel },
    { weight: 1, arbitrary: add },
    { weight: 1, arbitrary: extend },
  ),
  { minLength: 5, maxLength: 40 },
);

interface Row {
  id: string;
  operation: OperationId;
  outcome: string | null;
  reason: string;
}

it('in any history every command ends, no host stays busy, and nothing is sent twice', async () => {
  await fc.assert(
    fc.asyncProperty(acts, async (sequence) => {
      const world = new World(await openBench());
      const { bench } = world;
      const all = bench.database.db.$client.prepare<[], Row>('select id, operation, outcome, reason from commands');
      const ends = new Map<string, string>();
      const check = () => {
        for (const { id, outcome } of all.all()) {
          const known = ends.get(id);
          if (known !== undefined) expect(outcome).toBe(known);
          if (outcome !== null) ends.set(id, outcome);
        }
      };
      try {
        for (const act of sequence) {
          await act(world);
          check();
        }
        // No agent comes back.
        for (const name of HOSTS) await world.hangUp(name);
        for (let n = 0; n < 36 && all.all().some(({ outcome }) => outcome === null); n += 1) {
          await bench.advance(5 * MINUTE);
        }
        await bench.advance(MINUTE);
        check();
        for (const { id, operation: what, outcome, reason } of all.all()) {
          expect(outcome, `${what} ${id}`).not.toBeNull();
          expect(reason).toMatch(/[.!?…]$/);
        }
        for (const view of bench.fleet.hostViews()) {
          expect(view).toMatchObject({
            online: false,
            command: null,
            control: null,
            dashboardCommand: null,
            queue: [],
          });
        }
        // Protocol 3 names each command on the wire.
        const sent = world.links.flatMap(({ frames }) =>
          frames.flatMap((frame) =>
            frame.type === 'command' && frame.payload.id !== undefined && frame.payload.command !== 'refresh-system'
              ? [frame.payload]
              : [],
          ),
        );
        const once = sent.filter(({ command }) => !OPERATIONS[command].mayRepeat).map(({ id }) => id);
        expect(new Set(once).size).toBe(once.length);
        // Each end causes one event, also for commands of removed hosts.
        const told = (await bench.store.events({ limit: 500 })).flatMap(({ action, commandId }) =>
          action === 'command.ended' && commandId !== null ? [commandId] : [],
        );
        expect(new Set(told).size).toBe(told.length);
      } finally {
        await bench.close();
      }
    }),
    { numRuns: 120 },
  );
});
