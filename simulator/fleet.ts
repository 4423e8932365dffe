/** Many simulated agents with a seeded variety: the load maker of the demonstration, of tests and of the bench. */
import { SimulatedAgent } from './agent';
import { REALISTIC, type Behaviour } from './behaviour';
import type { HostType, SimulatedMetrics } from './host-facts';
import { pick, seeded, type Random } from './random';

export const MAX_SIMULATED_HOSTS = 4_000;
/** New connections a second at the start. A storm asks for no such patience. */
export const DEFAULT_DIALS_PER_S = 200;
const DIAL_STEP_MS = 50;
/** Agents closed at once. */
const CLOSE_AT_ONCE = 200;
const ROLES = ['web', 'db', 'build', 'desk', 'edge', 'media', 'lab'];
const MACOS_SHARE = 0.2;
/** Hosts on which a switch fails. */
const FAILING_SHARE = 0.05;

export interface SimulatedFleetOptions {
  url: string;
  token: string;
  hosts: number;
  seed?: number;
  /** Between heartbeats of one host, in milliseconds. */
  intervalMs?: number;
  /** `mixed`: half of the hosts each. */
  protocol?: 2 | 3 | 'mixed';
  /** One behaviour for all; without it each host has its own pace, and a few fail to switch. */
  behaviour?: Behaviour;
  /** The commit (7 characters) that a pull brings a host to. */
  pullsTo?: string;
  dialsPerS?: number;
  /** The figures of host `index` instead of the usual curves. */
  metrics?: (index: number) => (now: number) => SimulatedMetrics | null;
  /** The first pause before dialling again after a loss, in milliseconds. */
  firstRedialMs?: number;
}

export class SimulatedFleet {
  readonly agents: readonly SimulatedAgent[];
  private closed = false;

  /** Throws where a number is out of bounds. */
  constructor(private readonly options: SimulatedFleetOptions) {
    const { hosts, dialsPerS = DEFAULT_DIALS_PER_S } = options;
    if (!Number.isInteger(hosts) || hosts < 1 || hosts > MAX_SIMULATED_HOSTS) {
      throw new Error(`a simulated fleet has 1 to ${MAX_SIMULATED_HOSTS} hosts, not ${hosts}`);
    }
    if (!(dialsPerS > 0)) throw new Error(`a rate of ${dialsPerS} dials a second never gets anywhere`);
    const seeds = seeded(options.seed ?? 1);
    this.agents = Array.from({ length: hosts }, (_, index) => makeAgent(options, index, seeded(seeds() * 2 ** 32)));
  }

  get registeredCount(): number {
    return this.agents.filter((agent) => agent.isRegistered).length;
  }

  /** Dials host after host at the bounded rate. Resolves when the last one was dialled or the fleet is closed. */
  async connect(): Promise<void> {
    const perStep = (this.options.dialsPerS ?? DEFAULT_DIALS_PER_S) * (DIAL_STEP_MS / 1_000);
    let allowed = 0;
    let next = 0;
    while (next < this.agents.length && !this.closed) {
      allowed += perStep;
      for (; next < Math.min(allowed, this.agents.length); next += 1) this.agents[next]?.connect();
      if (next < this.agents.length) await new Promise((resolve) => setTimeout(resolve, DIAL_STEP_MS));
    }
  }

  /** Resolves when every host is registered at least now. */
  async whenRegistered(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.whenRegistered()));
  }

  /** Breaks every connection at once, without close frames. They stay away until `reconnect`. */
  async dropAll(): Promise<void> {
    const connected = this.agents.filter((agent) => agent.isRegistered);
    const gone = connected.map((agent) => agent.next('disconnected'));
    for (const agent of connected) agent.drop({ stayAway: true });
    await Promise.all(gone);
  }

  /** Dials with every host at once, as after a restart of the dashboard. Gives the milliseconds until all are registered. */
  async reconnect(): Promise<number> {
    const from = performance.now();
    const back = this.whenRegistered();
    for (const agent of this.agents) agent.connect();
    await back;
    return performance.now() - from;
  }

  /** Closes every agent; nothing is left when this resolves. */
  async close(): Promise<void> {
    this.closed = true;
    for (let from = 0; from < this.agents.length; from += CLOSE_AT_ONCE) {
      await Promise.all(this.agents.slice(from, from + CLOSE_AT_ONCE).map((agent) => agent.close()));
    }
  }
}

function makeAgent(options: SimulatedFleetOptions, index: number, random: Random): SimulatedAgent {
  const { protocol = 'mixed' } = options;
  const hostType: HostType = random() < MACOS_SHARE ? 'macos' : 'nixos';
  const role = hostType === 'macos' ? 'mac' : pick(random, ROLES);
  const own = makeBehaviour(random);
  return new SimulatedAgent({
    url: options.url,
    token: options.token,
    hostname: `${role}-${String(index + 1).padStart(4, '0')}`,
    protocol: protocol === 'mixed' ? (index % 2 === 0 ? 2 : 3) : protocol,
    intervalMs: options.intervalMs,
    hostType,
    random,
    behaviour: options.behaviour ?? own,
    pullsTo: options.pullsTo,
    metrics: options.metrics?.(index),
    firstRedialMs: options.firstRedialMs,
  });
}

/** A host's own pace, and sometimes a configuration that does not build. */
function makeBehaviour(random: Random): Behaviour {
  const pace = 0.5 + random() * 1.5;
  const { commands } = REALISTIC;
  if (random() >= FAILING_SHARE) return { ...REALISTIC, pace };
  return { ...REALISTIC, pace, commands: { ...commands, switch: { ...commands.switch, ending: 'fails' } } };
}
