/** What tests of the real agent have in common. Call these at the top of a test file: they register Vitest's hooks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { buildAgent } from '@/scripts/build-agent.mjs';
import { startTestDashboard, type TestDashboard } from './dashboard';
import { createHost, type AgentProcess, type TestHost } from './host';

export interface AgentBench {
  /** Path of the agent's bundle. */
  bundle: string;
  host: TestHost;
  dashboard: TestDashboard;
  /** Starts the agent; ends once its first heartbeat has arrived. */
  connect: (more?: Record<string, string>) => Promise<AgentProcess>;
}

/** Builds the agent once for the file. `use` gets the path of its bundle, which names the commit abc1234. */
export function useAgentBundle(use: (bundle: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'nixfleet-bundle-'));
  beforeAll(async () => use(await buildAgent({ outfile: join(folder, 'agent.mjs'), sourceCommit: 'abc1234' })));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
}

/** Gives each test a host and a dashboard. After each test nothing of them runs, and every frame was readable. */
export function useAgentBench(use: (bench: AgentBench) => void): void {
  let bundle = '';
  useAgentBundle((path) => {
    bundle = path;
  });
  let host: TestHost;
  let dashboard: TestDashboard;
  beforeEach(async () => {
    host = createHost();
    dashboard = await startTestDashboard();
    use({
      bundle,
      host,
      dashboard,
      async connect(more = {}) {
        const agent = host.start(bundle, dashboard.url, more);
        await dashboard.frame('heartbeat');
        return agent;
      },
    });
  });
  afterEach(async () => {
    await host.remove();
    await dashboard.stop();
    // Both sides must agree on every frame.
    expect(dashboard.malformed).toEqual([]);
  });
}
