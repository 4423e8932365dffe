/** A simulated agent that is registered at a test dashboard. */
import { afterEach } from 'vitest';
import {
  startTestDashboard,
  TEST_TOKEN,
  type TestDashboard,
  type TestDashboardOptions,
} from '@/agent/testing/dashboard';
import { SimulatedAgent, type SimulatedAgentOptions } from '../agent';
import { PROMPT, type Behaviour, type CommandBehaviour, type ScriptedEnding } from '../behaviour';

/** An hour: so long that only the heartbeats that the protocol requires are sent. */
export const INTERVAL_MS = 3_600_000;

export interface SimulatedBench {
  /** Registers what the end of the test closes, newest first. */
  readonly closeAtEnd: (close: () => Promise<void>) => void;
  /** A dashboard, and an agent that is registered there and has sent its first heartbeat. */
  readonly begin: (
    options?: Partial<SimulatedAgentOptions>,
    server?: TestDashboardOptions,
  ) => Promise<{ dashboard: TestDashboard; agent: SimulatedAgent }>;
}

/** Closes dashboards and agents after each test. */
export function useSimulatedBench(): SimulatedBench {
  const closers: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  return {
    closeAtEnd: (close) => void closers.push(close),
    async begin(options = {}, server = {}) {
      const dashboard = await startTestDashboard(server);
      closers.push(() => dashboard.stop());
      const agent = new SimulatedAgent({
        url: dashboard.url,
        token: TEST_TOKEN,
        hostname: 'sim-1',
        intervalMs: INTERVAL_MS,
        behaviour: PROMPT,
        firstRedialMs: 1,
        ...options,
      });
      closers.push(() => agent.close());
      const registered = agent.next('registered');
      agent.connect();
      await registered;
      await dashboard.frame('heartbeat');
      return { dashboard, agent };
    },
  };
}

/** With this ending, and lines where they are wanted. */
export function behaving(ending: ScriptedEnding, more: Partial<CommandBehaviour> = {}): Behaviour {
  return { ...PROMPT, standard: { ...PROMPT.standard, ending, ...more } };
}

/** The types of the frames that the dashboard has received from the given one on. */
export const types = (dashboard: TestDashboard, from: number): string[] =>
  dashboard.received.slice(from).map(({ frame }) => frame.type);
