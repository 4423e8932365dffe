/**
 * `npm run bench:store`: how long the event loop waits for the database, with the stores in the main thread and in
 * separate threads (docs/decisions/0051-store-in-threads.md). Three loads on a database like one in production, 5
 * interleaved rounds, each in a separate process. Writes its section of `docs/benchmarks.md`; `--quick` prints one round.
 *
 * The databases are in the folder for temporary files (`TMPDIR`): it must be on a real disk, or the waits are missing.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, type as systemName } from 'node:os';
import { join } from 'node:path';
import { format } from 'prettier';
import { z } from 'zod';
import { withSection } from './sections';
import { createProductionLike } from './store-records';

const PAGE = 'docs/benchmarks.md';
const ROUNDS = 5;
const WAYS = ['none', 'here', 'thread'] as const;
const LOADS = ['answers', 'output', 'history'] as const;
const MIB = 1024 * 1024;

const figures = z.object({ p50: z.number(), p99: z.number(), max: z.number(), ms: z.number(), cpu: z.number() });
const roundSchema = z.object({ answers: figures, output: figures, history: figures });
type Figure = keyof z.infer<typeof figures>;
type Rounds = Record<(typeof WAYS)[number], z.infer<typeof roundSchema>[]>;

const NAMES = {
  answers: '500 answers at once',
  output: '20,000 output lines a second',
  history: '100,000 lines read, 2,000 heartbeats a second',
} as const;

const isQuick = process.argv.includes('--quick');
const folder = mkdtempSync(join(tmpdir(), 'nixfleet-bench-store-'));
try {
  const template = join(folder, 'template.db');
  createProductionLike(template);
  const bytes = statSync(template).size;
  const rounds: Rounds = { none: [], here: [], thread: [] };
  const loads: number[] = [];
  for (let round = 0; round < (isQuick ? 1 : ROUNDS); round += 1) {
    // Each way comes first, second and last about equally often.
    for (let turn = 0; turn < WAYS.length; turn += 1) {
      const way = WAYS[(round + turn) % WAYS.length] ?? 'none';
      console.log(`· round ${round + 1}, ${way}`);
      loads.push(loadavg()[0] ?? 0);
      rounds[way].push(measure(way, template, `${round}-${way}`));
    }
  }
  const section = render(rounds, bytes, loads);
  if (isQuick) console.log(section);
  else {
    const page = withSection(readFileSync(PAGE, 'utf8'), 'store', section);
    writeFileSync(PAGE, await format(page, { parser: 'markdown', singleQuote: true, printWidth: 120 }));
    console.log(`Written to ${PAGE}.`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

function measure(way: string, template: string, name: string): z.infer<typeof roundSchema> {
  const file = join(folder, `${name}.db`);
  copyFileSync(template, file);
  const printed = execFileSync(process.execPath, ['--import', 'tsx', 'scripts/bench/store-child.ts', way, file], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  rmSync(file);
  return roundSchema.parse(JSON.parse(printed));
}

function render(rounds: Rounds, bytes: number, loads: readonly number[]): string {
  const values = (way: keyof Rounds, load: (typeof LOADS)[number], figure: Figure) =>
    rounds[way].map((round) => round[load][figure]).sort((one, other) => one - other);
  const median = (way: keyof Rounds, load: (typeof LOADS)[number], figure: Figure) => {
    const sorted = values(way, load, figure);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  };
  const digits = (value: number) => (value < 100 ? value.toFixed(1) : value.toFixed(0));
  const row = (load: (typeof LOADS)[number], figure: Figure, name: string, unit: string, scale = 1) => {
    const shown = WAYS.map((way) => {
      const of = values(way, load, figure).map((value) => value * scale);
      if (of.every((value) => value === 0)) return '–';
      return `${digits(median(way, load, figure) * scale)}${unit} (${digits(of[0] ?? 0)}–${digits(of.at(-1) ?? 0)})`;
    });
    const ratio = median('thread', load, figure) / median('here', load, figure);
    return `| ${[name, ...shown, `${ratio.toFixed(2)} ×`].join(' | ')} |`;
  };
  const tables = LOADS.map(
    (load) => `### ${NAMES[load]}

| | No store | Main thread | Threads | Threads / main |
| --- | --- | --- | --- | --- |
${[
  row(load, 'p50', 'delay p50', ' ms'),
  row(load, 'p99', 'delay p99', ' ms'),
  row(load, 'max', 'longest delay', ' ms'),
  row(load, 'ms', load === 'history' ? '100,000 lines read in' : 'time to finish', ' ms'),
  row(load, 'cpu', 'processor (1 core = 100 %)', ' %', 100),
].join('\n')}`,
  );
  return `## The store in threads

How long the event loop of the main thread waits (\`monitorEventLoopDelay\`, whose timer of 1 ms is part of each figure), with the stores in the main thread and in separate threads. The database has ${Math.round(bytes / MIB)} MiB, with \`synchronous = FULL\`. Medians of ${rounds.here.length} interleaved rounds (lowest–highest), each in a separate process. "No store" does the same work on the main thread and stores nothing: what else runs on the machine is in all three columns.

${tables.join('\n\n')}

- **500 answers at once**: three inputs of each of 500 hosts, stored in the batches that the fleet's runner makes; one batch is on its way while the next gathers.
- **Output**: a transaction each 50 ms with 1,000 lines of 20 commands, for 5 s.
- **History**: pages of 1,000 lines without a pause, for 5 s, while each heartbeat takes 20 µs of the main thread and the facts of 2,000 hosts are stored once a second.

Measured ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown processor'}, ${systemName()} ${release()}, load ${digits(Math.min(...loads))} to ${digits(Math.max(...loads))}. Run it: \`npm run bench:store\` (about five minutes).`;
}
