/** Pipelines over real sockets: twenty agents of both protocols, and a browser that follows. */
import { afterEach, expect, it } from 'vitest';
import { PROMPT } from '@/simulator/behaviour';
import { SimulatedAgent } from '@/simulator/agent';
import { createTestServer, TOKEN } from '../../testing/test-server';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Every other one is a Go agent; those on macOS are ended by their own switch. */
function makeAgent(url: string, index: number): SimulatedAgent {
  const protocol = index % 2 === 0 ? 2 : 3;
  const hostType = index % 5 === 0 ? 'macos' : 'nixos';
  const dies = protocol === 2 && hostType === 'macos';
  return new SimulatedAgent({
    url,
    token: TOKEN,
    hostname: `h${index}`,
    protocol,
    hostType,
    intervalMs: 500,
    firstRedialMs: 20,
    behaviour: dies ? { ...PROMPT, commands: { switch: { ending: 'killed-by-switch' } } } : PROMPT,
  });
}

it('runs pull, switch and test on twenty hosts of both protocols, each command once, and shows it all to a browser', async () => {
  const server = await createTestServer();
  closers.push(() => server.close());
  const agents = Array.from({ length: 20 }, (_, index) => makeAgent(`ws://127.0.0.1:${server.port}/ws`, index));
  closers.push(async () => {
    await Promise.all(agents.map((agent) => agent.close()));
  });
  const wire = new Map(agents.map(({ hostname }) => [hostname, [] as string[]]));
  for (const agent of agents) {
    agent.on((event) => {
      if (event.type === 'command') wire.get(agent.hostname)?.push(event.command);
    });
  }
  for (const agent of agents) agent.connect();
  const browser = await server.browser();
  await browser.until((view) => view.hosts.filter(({ online }) => online).length === 20);

  const started = await server.fleet.startPipeline({
    kind: 'do-all',
    hostIds: server.fleet.hostViews().map(({ id }) => id),
    requestId: 'click',
    parallelism: 8,
    stopOnFailure: false,
    by: server.by,
  });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  const { pipelineId } = started;
  const view = await browser.until((seen) => seen.pipelines[0]?.phase === 'ended');
  expect(view.pipelines[0]).toMatchObject({ outcome: 'succeeded', counts: { done: 20 } });
  expect(view.pipelines).toEqual([await server.fleet.pipeline(pipelineId)]);
  expect([...wire.values()]).toEqual(agents.map(() => ['pull', 'switch', 'test']));
  // The browser received changed hosts, not the whole pipeline each time.
  const patches = browser.inbox.all.flatMap((message) => (message.t === 'changes' ? (message.pipelines ?? []) : []));
  expect(patches.length).toBeGreaterThan(3);
  expect(Math.min(...patches.map(({ hosts = [] }) => hosts.length))).toBeLessThan(8);
});
