/** Simulated agents of a dashboard under test. */
import { SimulatedAgent } from '@/simulator/agent';
import type { Behaviour } from '@/simulator/behaviour';
import { AGENT_TOKEN, type Dashboard } from './dashboard';

/** Hosts h0, h1 …; every other one is a Go agent. */
export async function openFleet(dashboard: Dashboard, hosts: number, behaviour: Behaviour): Promise<SimulatedAgent[]> {
  const agents = Array.from(
    { length: hosts },
    (_, index) =>
      new SimulatedAgent({
        url: dashboard.agentUrl,
        token: AGENT_TOKEN,
        hostname: `h${index}`,
        protocol: index % 2 === 0 ? 2 : 3,
        intervalMs: 1_000,
        firstRedialMs: 100,
        behaviour,
      }),
  );
  for (const agent of agents) agent.connect();
  await Promise.all(agents.map((agent) => agent.whenRegistered()));
  return agents;
}

export const closeAll = (agents: readonly SimulatedAgent[]) => Promise.all(agents.map((agent) => agent.close()));
