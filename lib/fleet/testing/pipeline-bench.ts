/** Pipelines of a fleet on a real database, with agents that a test plays. */
import { afterEach, beforeEach } from 'vitest';
import type { PipelineView } from '@/lib/protocol/live/views/pipeline-view';
import type { PipelineRequest } from '../records/requests';
import { BY, openBench, QUIET, settle, type Bench, type TestLink } from './test-fleet';

export const TICK_MS = 1_000;

export interface PipelineBench {
  readonly bench: Bench;
  /** An agent that registered and sent its first heartbeat. */
  readonly agent: (name: string) => Promise<TestLink>;
  readonly agents: (names: readonly string[]) => Promise<TestLink[]>;
  /** Starts a pipeline, by default one that pulls and tests, and returns its id. Throws if it is refused. */
  readonly start: (hostIds: readonly string[], more?: Partial<PipelineRequest>) => Promise<string>;
  readonly viewOf: (id: string) => Promise<PipelineView>;
  /** The status of each host. */
  readonly statuses: (id: string) => Promise<string[]>;
  /** The host's command ends with a status and an idle heartbeat. */
  readonly ends: (link: TestLink, command: string, status?: string) => Promise<void>;
}

/** A new fleet for each test. */
export function usePipelineBench(): PipelineBench {
  let bench: Bench;
  let requests = 0;

  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(async () => {
    await bench.close();
  });

  async function agent(name: string): Promise<TestLink> {
    const link = await bench.agent(name);
    await bench.say(link, 'heartbeat', QUIET);
    return link;
  }

  async function viewOf(id: string): Promise<PipelineView> {
    const view = await bench.fleet.pipeline(id);
    if (!view) throw new Error(`no pipeline ${id}`);
    return view;
  }

  return {
    get bench() {
      return bench;
    },
    agent,
    async agents(names) {
      const links: TestLink[] = [];
      for (const name of names) links.push(await agent(name));
      return links;
    },
    async start(hostIds, more = {}) {
      const request: PipelineRequest = {
        kind: 'custom',
        stages: ['pull', 'test'],
        hostIds,
        requestId: `r${(requests += 1)}`,
        parallelism: 10,
        stopOnFailure: false,
        by: BY,
        ...more,
      };
      const result = await bench.fleet.startPipeline(request);
      // The first stages are sent after the start is stored.
      await settle();
      if (result.kind !== 'started') throw new Error(`not started: ${JSON.stringify(result)}`);
      return result.pipelineId;
    },
    viewOf,
    statuses: async (id) => (await viewOf(id)).hosts.map(({ status }) => status),
    async ends(link, command, status = 'ok') {
      await bench.say(link, 'status', { status, command, exit_code: status === 'ok' ? 0 : 1 });
      await bench.say(link, 'heartbeat', QUIET);
    },
  };
}
