/** The facts and metrics of a simulated host, made from a seed so that a fleet is the same each time. */
import { hex, pick, type Random } from './random';

export type HostType = 'nixos' | 'macos';

export interface SimulatedFacts {
  hostType: HostType;
  agentVersion: string;
  osVersion: string;
  nixpkgsVersion: string;
  /** Seven characters of the clone's commit. */
  generation: string;
  themeColor: string;
  location: string;
  deviceType: string;
  repoUrl: string;
  repoDir: string;
  sourceCommit: string;
  storePath: string;
  binaryHash: string;
  lockHash: string;
}

/** CPU, memory and swap in percent; load as the one-minute average. */
export interface SimulatedMetrics {
  cpu: number;
  ram: number;
  swap: number;
  load: number;
}

const COLORS = ['#7aa2f7', '#9ece6a', '#e0af68', '#f7768e', '#bb9af7', '#7dcfff'];

/** A store path of an agent of this version. */
export function agentStorePath(random: Random, version: string): string {
  return `/nix/store/${hex(random, 32)}-nixfleet-agent-${version}/bin/nixfleet-agent`;
}

export function makeFacts(random: Random, hostType: HostType, agentVersion: string): SimulatedFacts {
  const nixos = hostType === 'nixos';
  return {
    hostType,
    agentVersion,
    osVersion: nixos ? pick(random, ['25.11', '26.05', '26.11']) : pick(random, ['15.7', '26.1']),
    nixpkgsVersion: pick(random, ['25.11.20251201.abc1234', '26.05.20260610.def5678']),
    generation: pick(random, ['3c9a808', '2c4ef43', '9f1b7de']),
    themeColor: pick(random, COLORS),
    location: pick(random, ['home', 'office', 'cloud']),
    deviceType: nixos ? pick(random, ['server', 'desktop', 'laptop']) : 'laptop',
    repoUrl: 'https://git.example.com/ops/nixcfg.git',
    repoDir: nixos ? '/var/lib/nixfleet-agent/repo' : '/Users/ops/.local/state/nixfleet-agent/repo',
    sourceCommit: hex(random, 7),
    storePath: agentStorePath(random, agentVersion),
    binaryHash: hex(random, 64),
    lockHash: hex(random, 64),
  };
}

/** Metrics over time (milliseconds): a slow wave for each host, with a little noise. */
export function makeMetrics(random: Random): (now: number) => SimulatedMetrics {
  const periodMs = 60_000 + random() * 600_000;
  const shift = random() * Math.PI * 2;
  const busy = 5 + random() * 50;
  const memory = 20 + random() * 60;
  const swap = random() < 0.7 ? 0 : random() * 30;
  const round = (value: number) => Math.round(Math.min(100, Math.max(0, value)) * 10) / 10;
  return (now) => {
    const wave = Math.sin((now / periodMs) * Math.PI * 2 + shift);
    const cpu = round(busy + busy * 0.6 * wave + (random() - 0.5) * 6);
    return {
      cpu,
      ram: round(memory + 4 * wave + (random() - 0.5)),
      swap: round(swap),
      load: Math.round(cpu * 4) / 100,
    };
  };
}
