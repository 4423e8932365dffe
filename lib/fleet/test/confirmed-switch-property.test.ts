/**
 * Confirmed switches with anything that agents, hosts, networks, operators and dashboards can do in between: no switch
 * ends "succeeded" while the previous system runs, none "rolled back" while the new one does, and each one ends.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { BY, openBench, type Bench } from '../testing/test-fleet';
import { TrialHost } from '../testing/trial-host';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

interface World {
  bench: Bench;
  host: TrialHost;
  requests: number;
}
type Act = (world: World) => Promise<void> | void;

const pass = async ({ bench, host }: World, ms: number) => {
  await bench.advance(ms);
  await host.pass(ms);
};
const ask: Act = async (world) => {
  world.requests += 1;
  const requestId = `request-${world.requests}`;
  await world.bench.fleet.dispatch({ operation: 'switch', hostIds: ['h1'], requestId, by: BY });
  await world.host.read();
};
const answer =
  (keep: boolean): Act =>
  async ({ bench }) => {
    const running = bench.fleet.host('h1')?.command;
    if (running) await bench.fleet.answerConfirmation(running.id, keep, BY);
  };

const acts = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(ask) },
    {
      weight: 8,
      arbitrary: fc.constantFrom('passed' as const, 'passed' as const, 'failed' as const, 'pending' as const).map(
        (check): Act =>
          ({ host }) =>
            host.goOn(check),
      ),
    },
    { weight: 6, arbitrary: fc.constant<Act>(({ host }) => host.dial()) },
    { weight: 5, arbitrary: fc.constant<Act>(({ host }) => host.read()) },
    { weight: 2, arbitrary: fc.constant<Act>(({ host }) => host.readLate()) },
    { weight: 2, arbitrary: fc.constant<Act>(({ host }) => host.readTwice()) },
    { weight: 2, arbitrary: fc.constant<Act>(({ host }) => host.hangUp()) },
    { weight: 2, arbitrary: fc.constant<Act>(({ host }) => host.mute()) },
    { weight: 3, arbitrary: fc.constant<Act>(({ host }) => host.beat()) },
    { weight: 1, arbitrary: fc.constant<Act>(({ host }) => host.reboot()) },
    { weight: 1, arbitrary: fc.constant<Act>(({ host }) => host.forget()) },
    {
      weight: 1,
      arbitrary: fc.constant<Act>(async ({ bench, host }) => {
        host.cut();
        await bench.crash();
      }),
    },
    { weight: 1, arbitrary: fc.boolean().map(answer) },
    {
      weight: 1,
      arbitrary: fc.integer({ min: -90 * MINUTE, max: 90 * MINUTE }).map(
        (ms): Act =>
          ({ bench }) =>
            bench.clock.step(ms),
      ),
    },
    {
      weight: 3,
      arbitrary: fc.constantFrom(5 * SECOND, 40 * SECOND, 2 * MINUTE, 8 * MINUTE, 40 * MINUTE).map(
        (ms): Act =>
          (world) =>
            pass(world, ms),
      ),
    },
  ),
  { minLength: 8, maxLength: 40 },
);

interface Row {
  id: string;
  outcome: string | null;
  reason: string;
}
/** Each history has a database of its own and half a day of simulated time. */
const TIMEOUT_MS = 180_000;
const KEPT = new Set<string | null>(['succeeded', 'unchanged', 'partial']);

it(
  'in any history the end of a confirmed switch is what the host runs, and each one ends',
  async () => {
    const seen = { kept: 0, back: 0 };
    await fc.assert(
      fc.asyncProperty(acts, async (sequence) => {
        const bench = await openBench();
        const world: World = { bench, host: new TrialHost(bench), requests: 0 };
        const { host } = world;
        const all = bench.database.db.$client.prepare<[], Row>('select id, outcome, reason from commands');
        const check = () => {
          for (const { id, outcome, reason } of all.all()) {
            if (KEPT.has(outcome)) expect(host.truth.get(id), reason).toBe('new');
            if (outcome === 'rolled-back') expect(host.truth.get(id), reason).toBe('old');
          }
        };
        try {
          await host.dial();
          for (const act of [ask, ...sequence]) {
            await act(world);
            check();
          }
          await host.hangUp();
          for (let n = 0; n < 24 && all.all().some(({ outcome }) => outcome === null); n += 1) {
            await pass(world, 5 * MINUTE);
            check();
          }
          for (const { id, outcome } of all.all()) expect(outcome, id).not.toBeNull();
          // A result that the agent has kept corrects an end that rested on none.
          await host.dial();
          check();
          for (const { id, outcome } of all.all()) {
            const truth = host.truth.get(id);
            if (truth === undefined || host.forgot) continue;
            if (truth === 'new') expect(KEPT).toContain(outcome);
            else expect(['rolled-back', 'failed']).toContain(outcome);
            seen[truth === 'new' ? 'kept' : 'back'] += 1;
          }
        } finally {
          await bench.close();
        }
      }),
      { numRuns: 60 },
    );
    // Both ends were among the histories.
    expect(seen.kept).toBeGreaterThan(0);
    expect(seen.back).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);
