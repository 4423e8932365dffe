/** CPU, memory and swap in percent, and the load. StaSysMo's figures are preferred where they exist. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, freemem, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const TOOL_TIMEOUT_MS = 3_000;

export interface HostMetrics {
  cpu: number | null;
  ram: number | null;
  swap: number | null;
  load: number | null;
}

export interface MetricsReaderOptions {
  platform: NodeJS.Platform;
  /** Where StaSysMo writes its four files. */
  stasysmoDir: string;
  /** `/proc`, or a test's copy of it. */
  procDir: string;
}

/** Gives a function that reads the current figures. CPU is the mean since the previous call (null at the first). */
export function createMetricsReader(options: MetricsReaderOptions): () => Promise<HostMetrics> {
  const linux = options.platform === 'linux';
  const cpu = createCpu(() => (linux ? readProcStat(options.procDir) : Promise.resolve(readCpus())));
  return async () => {
    const [measured, stasysmo] = await Promise.all([
      (async (): Promise<HostMetrics> => {
        const memory = linux ? await readMeminfo(options.procDir) : await readMac();
        return { cpu: await cpu(), ...memory, load: round(loadavg()[0] ?? 0, 2) };
      })(),
      readStasysmo(options.stasysmoDir),
    ]);
    return {
      cpu: stasysmo.cpu ?? measured.cpu,
      ram: stasysmo.ram ?? measured.ram,
      swap: stasysmo.swap ?? measured.swap,
      load: stasysmo.load ?? measured.load,
    };
  };
}

interface CpuTimes {
  busy: number;
  total: number;
}

function createCpu(read: () => Promise<CpuTimes | null>): () => Promise<number | null> {
  let before: CpuTimes | null = null;
  let last: number | null = null;
  return async () => {
    const now = await read();
    // Two heartbeats in the same clock tick give no new figure.
    if (now !== null && before !== null && now.total > before.total)
      last = percent(now.busy - before.busy, now.total - before.total);
    if (now !== null && (before === null || now.total > before.total)) before = now;
    return last;
  };
}

/** The first line of proc_stat(5): user nice system idle iowait irq softirq steal; guest time is part of user. */
async function readProcStat(proc: string): Promise<CpuTimes | null> {
  const line = (await readOrNull(join(proc, 'stat')))?.split('\n')[0] ?? '';
  const times = line.split(/\s+/).slice(1, 9).map(Number);
  if (times.length < 4 || times.some((time) => !Number.isFinite(time))) return null;
  const total = times.reduce((sum, time) => sum + time, 0);
  return { busy: total - (times[3] ?? 0) - (times[4] ?? 0), total };
}

function readCpus(): CpuTimes | null {
  let busy = 0;
  let total = 0;
  for (const { times } of cpus()) {
    const work = times.user + times.nice + times.sys + times.irq;
    busy += work;
    total += work + times.idle;
  }
  return total === 0 ? null : { busy, total };
}

async function readMeminfo(proc: string): Promise<{ ram: number | null; swap: number | null }> {
  const text = (await readOrNull(join(proc, 'meminfo'))) ?? '';
  const fields = numbersIn(text);
  const field = (name: string): number | null => fields.get(name) ?? null;
  const [total, available, swapTotal, swapFree] = [
    field('MemTotal'),
    field('MemAvailable'),
    field('SwapTotal'),
    field('SwapFree'),
  ];
  return {
    ram: total !== null && available !== null ? percent(total - available, total) : null,
    swap: swapTotal !== null && swapFree !== null ? percent(swapTotal - swapFree, swapTotal) : null,
  };
}

async function readMac(): Promise<{ ram: number | null; swap: number | null }> {
  const [pages, swap] = await Promise.all([toolOutput('vm_stat', []), toolOutput('sysctl', ['-n', 'vm.swapusage'])]);
  return {
    ram: (pages === null ? null : parseVmStat(pages, totalmem())) ?? percent(totalmem() - freemem(), totalmem()),
    swap: swap === null ? null : parseSwapUsage(swap),
  };
}

/** The numbers of lines `name: 123`; of equal names the first. */
function numbersIn(text: string): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const [, name = '', value] of text.matchAll(/^([A-Za-z][A-Za-z ]*):[ \t]+(\d+)/gm))
    if (!numbers.has(name)) numbers.set(name, Number(value));
  return numbers;
}

/** Memory in use in percent, from `vm_stat`: everything except free, inactive, speculative and purgeable pages. */
export function parseVmStat(text: string, totalBytes: number): number | null {
  const pageSize = Number(/page size of (\d+) bytes/.exec(text)?.[1]);
  const numbers = numbersIn(text);
  const pages = (name: string): number => numbers.get(name) ?? Number.NaN;
  const free = pages('Pages free') + pages('Pages inactive') + pages('Pages speculative') + pages('Pages purgeable');
  return Number.isFinite(free * pageSize) ? percent(totalBytes - free * pageSize, totalBytes) : null;
}

/** Swap in use in percent, from `sysctl -n vm.swapusage`: `total = 2048.00M  used = 512.00M  free = …`. */
export function parseSwapUsage(text: string): number | null {
  const sizes = new Map(Array.from(text.matchAll(/\b(\w+) = ([\d.,]+)M/g), ([, name, value]) => [name, value]));
  const size = (name: string): number => Number(sizes.get(name)?.replace(',', '.'));
  const [total, used] = [size('total'), size('used')];
  return Number.isFinite(total + used) ? percent(used, total) : null;
}

async function readStasysmo(folder: string): Promise<HostMetrics> {
  const [cpu, ram, swap, load] = await Promise.all(
    ['cpu', 'ram', 'swap', 'load'].map(async (name) => {
      const text = (await readOrNull(join(folder, name)))?.trim().replace(',', '.') ?? '';
      const value = text === '' ? Number.NaN : Number(text);
      return Number.isFinite(value) && value >= 0 ? value : null;
    }),
  );
  return { cpu: cpu ?? null, ram: ram ?? null, swap: swap ?? null, load: load ?? null };
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return null;
  }
}

async function toolOutput(program: string, args: string[]): Promise<string | null> {
  try {
    return (await run(program, args, { timeout: TOOL_TIMEOUT_MS, env: { ...process.env, LC_ALL: 'C' } })).stdout;
  } catch {
    return null;
  }
}

/** A share in percent with one decimal, 0 to 100. 0 when the whole is 0 (no swap). */
function percent(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.min(100, Math.max(0, round((part / whole) * 100, 1)));
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
