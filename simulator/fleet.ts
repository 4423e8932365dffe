/** Many different simulated agents from a seed: the load of tests and of the benchmark. */
import { SimulatedAgent } from './agent';
import { REALISTIC, type Behaviour } from './behaviour';
import type { HostType, SimulatedMetrics } from './host-facts';
import { AGENT_CAPABILITIES, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import { pick, seeded, type Random } from './random';

export const MAX_SIMULATED_HOSTS = 4_000;
/** New connections per second at the start. Reconnects after a storm are not limited. */
export const DEFAULT_DIALS_PER_S = 200;
const DIAL_STEP_MS = 50;
/** Agents closed at once. */
const CLOSE_AT_ONCE = 200;
const ROLES = ['web', 'db', 'build', 'desktop', 'edge', 'media', 'lab'];
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
  /** One behaviour for all; without it each host has its pace, and a few fail to switch. */
  behaviour?: Behaviour;
  /**
   * NixOS hosts of protocol 3 take a switch back unless it is confirmed; on this share of them (0 to 1) a check fails.
   * Without it, no host can do that.
   */
  rollsBack?: number;
  /** The commit (7 characters) of a host after a pull. */
  pullsTo?: string;
  dialsPerS?: number;
  /** The metrics of host `index` instead of the default curves. */
  metrics?: (index: number) => (now: number) => SimulatedMetrics | null;
  /** The delay before the first reconnect after a loss, in milliseconds. */
  firstRedialMs?: number;
}

export class SimulatedFleet {
  readonly agents: readonly SimulatedAgent[];
  private closed = false;

  /** Throws when a number is out of bounds. */
  constructor(private readonly options: SimulatedFleetOptions) {
    const { hosts, dialsPerS = DEFAULT_DIALS_PER_S } = options;
    if (!Number.isInteger(hosts) || hosts < 1 || hosts > MAX_SIMULATED_HOSTS) {
      throw new Error(`a simulated fleet has 1 to ${MAX_SIMULATED_HOSTS} hosts, not ${hosts}`);
    }
    if (!(dialsPerS > 0)) throw new Error(`${dialsPerS} connections per second is not a rate above 0`);
    const seeds = seeded(options.seed ?? 1);
    this.agents = Array.from({ length: hosts }, (_, index) => makeAgent(options, index, seeded(seeds() * 2 ** 32)));
  }

  get registeredCount(): number {
    return this.agents.filter((agent) => agent.isRegistered).length;
  }

  /** Connects host after host at the limited rate. Resolves when the last one is connecting or the fleet is closed. */
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

  /** Resolves when every host has been registered since the call. */
  async whenRegistered(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.whenRegistered()));
  }

  /** Breaks every connection at once, without close frames. The hosts stay disconnected until `reconnect`. */
  async dropAll(): Promise<void> {
    const connected = this.agents.filter((agent) => agent.isRegistered);
    const gone = connected.map((agent) => agent.next('disconnected'));
    for (const agent of connected) agent.drop({ stayAway: true });
    await Promise.all(gone);
  }

  /** Connects every host at once, as after a restart of the dashboard. Gives the milliseconds until all are registered. */
  async reconnect(): Promise<number> {
    const from = performance.now();
    const back = this.whenRegistered();
    for (const agent of this.agents) agent.connect();
    await back;
    return performance.now() - from;
  }

  /** Closes every agent. No timer or socket is left when this resolves. */
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
  const ofHost = makeBehaviour(random);
  const isConfirming = options.rollsBack !== undefined && hostType === 'nixos';
  // Not with the host's random numbers: the rest of the fleet stays the same.
  const fails = isConfirming && seeded(index)() < (options.rollsBack ?? 0);
  const behaviour = options.behaviour ?? ofHost;
  return new SimulatedAgent({
    url: options.url,
    token: options.token,
    hostname: `${role}-${String(index + 1).padStart(4, '0')}`,
    protocol: protocol === 'mixed' ? (index % 2 === 0 ? 2 : 3) : protocol,
    intervalMs: options.intervalMs,
    hostType,
    random,
    behaviour: fails ? { ...behaviour, trial: { ...behaviour.trial, ending: 'check-fails' } } : behaviour,
    ...(isConfirming ? { capabilities: [...AGENT_CAPABILITIES, ...ROOT_HELPER_CAPABILITIES] } : {}),
    pullsTo: options.pullsTo,
    metrics: options.metrics?.(index),
    firstRedialMs: options.firstRedialMs,
  });
}

/** The behaviour of one host: its pace, and for a few a switch that fails. */
function makeBehaviour(random: Random): Behaviour {
  const pace = 0.5 + random() * 1.5;
  const { commands } = REALISTIC;
  if (random() >= FAILING_SHARE) return { ...REALISTIC, pace };
  return { ...REALISTIC, pace, commands: { ...commands, switch: { ...commands.switch, ending: 'fails' } } };
}
