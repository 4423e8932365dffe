/** How long a heartbeat takes to reach every browser, and what the server uses meanwhile. */
import { SimulatedFleet } from '@/simulator/fleet';
import type { Server } from './child';
import { BenchLiveClient } from './live-client';
import { spread, type Spread } from './statistics';
import type { LiveServerMessage } from '@/lib/protocol/live/to-browser';

const WARM_UP_MS = 3_000;
/** How long messages may still arrive after the last heartbeat. */
const LAST_WAIT_MS = 1_000;
/** How often is looked whether the last message has arrived. */
const LOOK_MS = 10;

export interface Target {
  server: Server;
  token: string;
  cookie: string;
}

export interface Latency {
  /** Milliseconds from the heartbeat's sending to its arrival at a browser. */
  ms: Spread;
  /** Heartbeats sent per second. */
  rate: number;
  /** Arrivals that are missing, and all that were expected. */
  missing: number;
  expected: number;
  /** Share of one processor; null where it can't be measured. */
  cpu: number | null;
  /** Bytes. */
  rss: number | null;
}

export interface LatencyLoad {
  hosts: number;
  intervalMs: number;
  seconds: number;
  browsers: number;
  /** How long to wait before measuring, while hosts connect. */
  warmUpMs?: number;
  /** How long messages may still arrive after the last heartbeat; the measurement ends earlier when all have. */
  lastWaitMs?: number;
}

/** Each heartbeat carries its number as the load figure, which identifies it on arrival. */
export async function measureLatency(target: Target, load: LatencyLoad): Promise<Latency> {
  const sent = new Map<string, number>();
  const arrived: number[] = [];
  let measuring = false;
  let expected = 0;
  let beats = 0;
  const names: string[] = [];
  const fleet = new SimulatedFleet({
    url: `${target.server.ws}/ws`,
    token: target.token,
    hosts: load.hosts,
    intervalMs: load.intervalMs,
    metrics: (index) => {
      let number = 0;
      return () => {
        number += 1;
        if (measuring) {
          sent.set(`${names[index]} ${number}`, performance.now());
          expected += load.browsers;
          beats += 1;
        }
        return { cpu: number % 100, ram: 50, swap: 0, load: number };
      };
    },
  });
  names.push(...fleet.agents.map((agent) => agent.hostname));
  const onMessage = (message: LiveServerMessage, at: number) => {
    if (message.t !== 'changes') return;
    for (const { id, metrics } of message.hosts ?? []) {
      const from = metrics?.load == null ? undefined : sent.get(`${id} ${metrics.load}`);
      if (from !== undefined) arrived.push(at - from);
    }
  };
  const clients: BenchLiveClient[] = [];
  try {
    for (let count = 0; count < load.browsers; count += 1) {
      clients.push(await BenchLiveClient.open(target.server.http, target.cookie, onMessage));
    }
    const registered = fleet.whenRegistered();
    await fleet.connect();
    await registered;
    await pause(load.warmUpMs ?? WARM_UP_MS);
    const before = target.server.usage();
    const from = performance.now();
    measuring = true;
    await pause(load.seconds * 1_000);
    measuring = false;
    const seconds = (performance.now() - from) / 1_000;
    const after = target.server.usage();
    const until = performance.now() + (load.lastWaitMs ?? LAST_WAIT_MS);
    while (arrived.length < expected && performance.now() < until) await pause(LOOK_MS);
    return {
      ms: spread(arrived),
      rate: beats / seconds,
      missing: expected - arrived.length,
      expected,
      cpu: before && after ? (after.cpuS - before.cpuS) / seconds : null,
      rss: after?.rss ?? null,
    };
  } finally {
    await fleet.close();
    for (const client of clients) await client.close();
  }
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
