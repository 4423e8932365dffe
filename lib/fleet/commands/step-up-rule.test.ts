/** One rule says when many hosts need a step-up proof, for requests and pipelines, in one request or one by one. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BY, openBench, QUIET, settle, type Bench, type TestLink } from '../testing/test-fleet';
import { RECENT_MS } from './step-up-rule';

let bench: Bench;
let requests = 0;
let links: Map<string, TestLink>;

beforeEach(async () => {
  bench = await openBench();
  links = new Map();
  await connect();
});
afterEach(() => bench.close());

async function connect() {
  for (const name of ['h1', 'h2', 'h3']) {
    const link = await bench.agent(name);
    await bench.say(link, 'heartbeat', QUIET);
    links.set(name, link);
  }
}

const requestId = () => `request-${(requests += 1)}`;

async function rollBack(hostIds: string[], stepUp = false) {
  const request = { operation: 'rollback', hostIds, requestId: requestId(), stepUp, by: BY } as const;
  const results = await bench.fleet.dispatch(request);
  return results.map((result) => (result.kind === 'blocked' ? result.blocked.code : result.kind));
}

async function startPipeline(hostIds: string[], stepUp = false) {
  const how = { kind: 'custom', stages: ['rollback'], parallelism: 1, stopOnFailure: false } as const;
  const { kind } = await bench.fleet.startPipeline({ ...how, hostIds, requestId: requestId(), stepUp, by: BY });
  await settle();
  return kind;
}

async function ends(hostId: string) {
  const link = links.get(hostId);
  if (!link) throw new Error(`no agent ${hostId}`);
  await bench.say(link, 'status', { status: 'ok', command: 'rollback', exit_code: 0 });
  await bench.say(link, 'heartbeat', QUIET);
  await settle();
}

it('counts the hosts of running pipelines and of running operations, for both', async () => {
  expect(await startPipeline(['h1'])).toBe('started');
  expect(await startPipeline(['h2'])).toBe('refused');
  expect(await rollBack(['h2'])).toEqual(['step-up-required']);
  expect(bench.fleet.needsStepUp(['pull', 'rollback'], ['h2'])).toBe(true);
  expect(bench.fleet.needsStepUp(['pull', 'rollback'], ['h1'])).toBe(false);
  expect(await startPipeline(['h2'], true)).toBe('started');
});

it('counts hosts on which it runs, also after a restart', async () => {
  expect(await rollBack(['h1'])).toEqual(['accepted']);
  await bench.crash();
  expect(await rollBack(['h2'])).toEqual(['step-up-required']);
});

it('counts hosts that a pipeline has not reached yet, also after a restart', async () => {
  expect(await startPipeline(['h1', 'h2'], true)).toBe('started');
  // h2 waits for h1.
  expect(links.get('h2')?.commands()).toEqual([]);
  await bench.advance(RECENT_MS);
  await bench.crash();
  expect(bench.fleet.needsStepUp(['rollback'], ['h1'])).toBe(true);
});

it('counts hosts on which the operation ended a short time ago', async () => {
  expect(await rollBack(['h1'])).toEqual(['accepted']);
  await ends('h1');
  expect(await rollBack(['h2'])).toEqual(['step-up-required']);
  expect(await startPipeline(['h2'])).toBe('refused');
  // The same host again is still one host.
  expect(await rollBack(['h1'])).toEqual(['accepted']);
  await ends('h1');
  await bench.advance(RECENT_MS);
  expect(await rollBack(['h2'])).toEqual(['accepted']);
});

it('counts hosts on which the operation ended a short time before a restart', async () => {
  expect(await rollBack(['h1'])).toEqual(['accepted']);
  await ends('h1');
  await bench.advance(RECENT_MS / 2);
  await bench.crash();
  await connect();
  expect(await rollBack(['h2'])).toEqual(['step-up-required']);
  await bench.advance(RECENT_MS / 2);
  expect(await rollBack(['h2'])).toEqual(['accepted']);
});

it('does not count what was refused', async () => {
  expect(await rollBack(['h1', 'h2'])).toEqual(['step-up-required', 'step-up-required']);
  expect(await rollBack(['h1'])).toEqual(['accepted']);
});
