import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Server } from './child';
import { measureLatency, type Latency } from './latency';
import { readPlan, type BenchPlan } from './plan';
import { render, type Figures, type Measured } from './report';
import { spread } from './statistics';
import { measureStorm } from './storm';

const LATENCY: Latency = {
  ms: { count: 4, p50: 5, p95: 20, p99: 30, max: 40 },
  rate: 200,
  missing: 0,
  expected: 4,
  cpu: 0.05,
  rss: 100 * 1024 * 1024,
};
const MEASURED: Measured = {
  load: LATENCY,
  quiet: LATENCY,
  stormMs: 600,
  output: { linesPerS: 50_000, megabytesPerS: 3, ms: 2_000 },
};
const FIGURES: Figures = {
  dashboard: MEASURED,
  bare: { ...MEASURED, load: { ...LATENCY, ms: { ...LATENCY.ms, p50: 2 }, cpu: null }, stormMs: 30 },
  answers: { aloneMs: 3_600, togetherMs: 340 },
  firstStartMs: 2_000,
  nextStartMs: 1_000,
  page: null,
};
const AROUND = { date: '2026-01-02', node: 'v24.0.0', version: '4.0.0', cores: 2, cpu: 'a processor', system: 'Linux' };

function planOf(...argv: string[]): BenchPlan {
  const parsed = readPlan(argv);
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.plan;
}

it('computes percentiles by the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(spread(hundred)).toEqual({ count: 100, p50: 50, p95: 95, p99: 99, max: 100 });
  expect(spread([7])).toEqual({ count: 1, p50: 7, p95: 7, p99: 7, max: 7 });
  expect(() => spread([])).toThrow('nothing arrived');
});

it('gives only measured values as percentiles, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1 }), (values) => {
      const { p50, p95, p99, max } = spread(values);
      expect(values).toContain(p95);
      expect(p50 <= p95 && p95 <= p99 && p99 <= max).toBe(true);
      expect(values.filter((value) => value <= p50).length * 2).toBeGreaterThanOrEqual(values.length);
    }),
  );
});

it('reads the command line', () => {
  expect(planOf()).toMatchObject({ hosts: 200, seconds: 20, reconnects: 500, lines: 100_000, writes: true });
  expect(planOf('--quick')).toMatchObject({ hosts: 50, lines: 10_000, writes: false });
  expect(planOf('--quick', '--hosts', '7', '--seconds', '2')).toMatchObject({ hosts: 7, seconds: 2 });
  for (const wrong of [['--hosts', '0'], ['--hosts', '1e9'], ['--seconds', 'x'], ['--what'], ['stray']]) {
    expect(readPlan(wrong)).toMatchObject({ kind: 'problem' });
  }
  expect(readPlan(['--help'])).toEqual({ kind: 'help' });
});

it('writes both figures and their ratio', () => {
  const text = render(planOf(), FIGURES, AROUND);
  expect(text).toContain('| p50 | 5.0 ms | 2.0 ms | 2.50 × |');
  expect(text).toContain('| 500 reconnects | 600 ms | 30 ms | 20 × |');
  expect(text).toContain('| processor (1 core = 100 %) | 5.0 % | not measured | – |');
  expect(text).toContain('| 2026-01-02 | 4.0.0 | v24.0.0 | 2 cores, a processor, Linux |');
  expect(text).toContain('there was no Chromium');
});

it('measures a server in a separate process, and ends it', async () => {
  const server = await Server.start(['--import', 'tsx', 'scripts/bench/bare-server.ts'], {});
  try {
    const target = { server, token: 'bare', cookie: '' };
    expect(await measureStorm(target, 20)).toBeGreaterThan(0);
    // On a busy machine, the last messages arrive late, but they arrive.
    const load = { hosts: 4, intervalMs: 100, seconds: 1, browsers: 2, warmUpMs: 0, lastWaitMs: 45_000 };
    const latency = await measureLatency(target, load);
    expect(latency.missing).toBe(0);
    expect(latency.expected).toBeGreaterThan(0);
    expect(latency.ms.count).toBe(latency.expected);
    if (existsSync('/proc/self/stat')) {
      expect(latency.rss).toBeGreaterThan(10 * 1024 * 1024);
      expect(latency.cpu).toBeGreaterThanOrEqual(0);
    }
  } finally {
    await server.stop();
  }
  await expect(fetch(server.http)).rejects.toThrow();
  expect(server.usage()).toBeNull();
});

it('reports why a server did not start', async () => {
  await expect(Server.start(['--eval', 'console.error("no such luck"); process.exit(3)'], {})).rejects.toThrow(
    /ended with 3[^]*no such luck/,
  );
});
