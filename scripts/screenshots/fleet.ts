/** Simulated agents in a chosen state, on commits of a real repository. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { VERSION } from '@/lib/version';
import { SimulatedAgent } from '@/simulator/agent';
import { heartbeatFrame, NO_REPORT } from '@/simulator/agent-frames';
import { REALISTIC, type Behaviour } from '@/simulator/behaviour';
import type { SimulatedMetrics } from '@/simulator/host-facts';
import { seeded } from '@/simulator/random';
import { wireTime } from '@/simulator/runner';
import { buildLog } from '../demo/fake-nix/build-log.mjs';
import type { PictureHost } from './hosts';

/** The last version of the agent's earlier generation. */
const EARLIER_VERSION = '3.1.5';
const INTERVAL_MS = 2_000;
const COMPILER_LINES = 24;
/** Lines at the end of the log that a hanging build does not reach. */
const UNREACHED_LINES = 9;
/** The last line that it reaches. */
export const LAST_LINE = /^building '.+-unit-prometheus-node-exporter\.service\.drv'/;
const SHORT_MS = 700;
const LONG_MS = 6_000;
const NIXPKGS = { '26.05': '26.05.20260610.8a3c1f2', '25.11': '25.11.20260528.77b10ce', '26.1': '' };

export interface Connect {
  url: string;
  token: string;
  /** The clone in which the commits were made. */
  work: string;
}

export function createScreenshotAgent(host: PictureHost, index: number, { url, token, work }: Connect): SimulatedAgent {
  const commit = git(work, 'rev-parse', `HEAD~${host.behind}`);
  const random = seeded(index + 1);
  return new SimulatedAgent({
    url,
    token,
    hostname: host.name,
    protocol: host.protocol,
    hostType: host.type,
    intervalMs: INTERVAL_MS,
    random,
    behaviour: behaviourOf(host),
    metrics: () => metricsAbout(host, random),
    facts: {
      agentVersion: host.protocol === 3 ? VERSION : EARLIER_VERSION,
      osVersion: host.osVersion,
      nixpkgsVersion: Object.entries(NIXPKGS).find(([version]) => version === host.osVersion)?.[1] ?? '',
      generation: commit.slice(0, 7),
      themeColor: host.themeColor,
      location: host.location,
      deviceType: host.deviceType,
      lockHash: createHash('sha256')
        .update(gitBytes(work, 'show', `${commit}:flake.lock`))
        .digest('hex'),
    },
  });
}

/** Sends the reports of a registered agent on its system and its tests once. */
export function sendReports(agent: SimulatedAgent, host: PictureHost): void {
  const report = (status: string, message: string) =>
    status === '' ? NO_REPORT : { status, message, checked_at: wireTime() };
  const reports = {
    lock: report('ok', 'Updated today'),
    system: report(host.system, host.system === 'ok' ? 'Switch successful (exit 0)' : 'Rebuild needed'),
    tests: report(host.tests, host.tests === 'ok' ? 'All tests passed' : 'Tests not run'),
  };
  if (!agent.sendText(JSON.stringify(heartbeatFrame(agent.facts, reports, metricsAbout(host, seeded(1)), null)))) {
    throw new Error(`${host.name} is not connected`);
  }
}

function behaviourOf(host: PictureHost): Behaviour {
  const ending = host.presses?.ending ?? 'succeeds';
  const log = buildLog({
    host: host.name,
    type: host.type,
    name: `${createHash('sha256').update(host.name).digest('hex').slice(0, 32)}-nixos-system-${host.name}-${host.osVersion}`,
    lines: COMPILER_LINES,
    fails: ending === 'fails',
  });
  const line = (number: number) => log[number - 1]?.text ?? '';
  const durationMs = ending === 'hangs' ? LONG_MS : SHORT_MS;
  // A simulated command that hangs does so after half of its lines and half of its time.
  const lines = ending === 'hangs' ? 2 * (log.length - UNREACHED_LINES) : log.length;
  return {
    ...REALISTIC,
    commands: {
      pull: { durationMs: SHORT_MS, lines: 4, line: () => 'HEAD is now at the newest commit' },
      switch: { durationMs, lines, line, ending },
      test: { durationMs: ending === 'hangs' ? LONG_MS : SHORT_MS, lines: 8, line: testLine, ending },
    },
  };
}

const testLine = (number: number) => `ok ${number} - hosts/tests/T0${number}.sh`;

function metricsAbout({ metrics: [cpu, ram, load] }: PictureHost, random: () => number): SimulatedMetrics {
  const about = (value: number) => Math.round(value * (0.97 + random() * 0.06) * 10) / 10;
  return { cpu: about(cpu), ram: about(ram), swap: 0, load: Math.round(load * (0.95 + random() * 0.1) * 100) / 100 };
}

function gitBytes(folder: string, ...args: string[]): Buffer {
  return execFileSync('git', args, { cwd: folder });
}

const git = (folder: string, ...args: string[]): string =>
  gitBytes(folder, ...args)
    .toString('utf8')
    .trim();
