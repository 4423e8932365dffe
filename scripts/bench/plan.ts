/** The command line of the benchmark, and the size of each measurement. */
import { parseArgs } from 'node:util';

export interface BenchPlan {
  /** Hosts while latency and load are measured. */
  hosts: number;
  /** Interval between the heartbeats of a host. */
  intervalMs: number;
  /** How long latency and load are measured. */
  seconds: number;
  browsers: number;
  /** How long latency is measured with `QUIET_HOSTS` alone. */
  quietSeconds: number;
  reconnects: number;
  pageHosts: number;
  lines: number;
  /** False: the result is only printed. */
  writes: boolean;
}

/** One, so that no two changes share a batch. */
export const QUIET_HOSTS = 1;
const FULL = { seconds: 20, quietSeconds: 10, reconnects: 500, pageHosts: 1_000, lines: 100_000, writes: true };
const QUICK = { seconds: 4, quietSeconds: 3, reconnects: 100, pageHosts: 100, lines: 10_000, writes: false };
const MAX_BENCH_HOSTS = 2_000;
const MAX_SECONDS = 120;

export const USAGE = `npm run bench -- [options]

Measures the production build under a simulated fleet on this machine, beside a bare ws server, and writes
docs/benchmarks.md. Takes about two minutes.

  --hosts <n>     hosts with one heartbeat a second while latency is measured, 1 to ${MAX_BENCH_HOSTS} (200)
  --seconds <n>   duration of that measurement, 1 to ${MAX_SECONDS} (${FULL.seconds}; quick: ${QUICK.seconds})
  --quick         a tenth of everything, only printed
  --help          show this text`;

export type ParsedPlan = { kind: 'help' } | { kind: 'problem'; problem: string } | { kind: 'run'; plan: BenchPlan };

export function readPlan(argv: readonly string[]): ParsedPlan {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        hosts: { type: 'string' },
        seconds: { type: 'string' },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
      strict: true,
    }));
  } catch (error) {
    return { kind: 'problem', problem: error instanceof Error ? error.message : String(error) };
  }
  if (values.help) return { kind: 'help' };
  const base = values.quick ? QUICK : FULL;
  const hosts = within(values.hosts, values.quick ? 50 : 200, MAX_BENCH_HOSTS);
  const seconds = within(values.seconds, base.seconds, MAX_SECONDS);
  if (hosts === null || seconds === null) {
    const problem = `--hosts is a whole number from 1 to ${MAX_BENCH_HOSTS}, --seconds one from 1 to ${MAX_SECONDS}.`;
    return { kind: 'problem', problem };
  }
  return { kind: 'run', plan: { ...base, hosts, seconds, intervalMs: 1_000, browsers: 5 } };
}

function within(text: string | undefined, fallback: number, max: number): number | null {
  if (text === undefined) return fallback;
  const value = Number(text);
  return Number.isInteger(value) && value >= 1 && value <= max ? value : null;
}
