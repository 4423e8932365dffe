/** The figures as a page: `docs/benchmarks.md`. */
import type { Answers } from './answers';
import type { Latency } from './latency';
import type { Throughput } from './output';
import type { PageReport } from './page';
import { QUIET_HOSTS, type BenchPlan } from './plan';

export interface BenchEnvironment {
  date: string;
  node: string;
  version: string;
  cores: number;
  cpu: string;
  system: string;
}

/** What is measured of the dashboard and of the bare server alike. */
export interface Measured {
  load: Latency;
  quiet: Latency;
  stormMs: number;
  output: Throughput;
}

export interface Figures {
  dashboard: Measured;
  bare: Measured;
  answers: Answers;
  firstStartMs: number;
  nextStartMs: number;
  /** Null where there is no Chromium. */
  page: PageReport | null;
}

type Row = [figure: string, dashboard: string, bare: string, ratio: string];

const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const mib = (bytes: number | null) => (bytes === null ? 'not measured' : `${Math.round(bytes / 1024 / 1024)} MiB`);
const percent = (share: number | null) => (share === null ? 'not measured' : `${(share * 100).toFixed(1)} %`);
const perS = (value: number) => `${Math.round(value).toLocaleString('en')} lines/s`;

function ratio(a: number | null, b: number | null): string {
  if (a === null || b === null || b === 0) return '–';
  const value = a / b;
  return `${value >= 10 ? Math.round(value) : value.toFixed(2)} ×`;
}

function row(figure: string, dashboard: number | null, bare: number | null, show: (value: number) => string): Row {
  const shown = (value: number | null) => (value === null ? 'not measured' : show(value));
  return [figure, shown(dashboard), shown(bare), ratio(dashboard, bare)];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function latencyRows(of: Latency, bare: Latency): Row[] {
  return [
    row('p50', of.ms.p50, bare.ms.p50, ms),
    row('p95', of.ms.p95, bare.ms.p95, ms),
    row('p99', of.ms.p99, bare.ms.p99, ms),
    row('longest', of.ms.max, bare.ms.max, ms),
  ];
}

const COMPARED = ['', 'Dashboard', 'Bare server', 'Ratio'];

/** The page in Markdown. */
export function render(plan: BenchPlan, figures: Figures, around: BenchEnvironment): string {
  const { dashboard, bare, answers, page } = figures;
  const sections = [
    `# Benchmarks

Written by \`npm run bench\`; run it again on your machine before you compare anything with it.

${table(
  ['Date', 'NixFleet', 'Node', 'Machine'],
  [[around.date, around.version, around.node, `${around.cores} cores, ${around.cpu}, ${around.system}`]],
)}`,
    `## From an agent to a browser

${plan.hosts} hosts, one heartbeat a second each (${Math.round(dashboard.load.rate)} a second), ${plan.browsers} browsers, ${plan.seconds} s. From the heartbeat's sending to its arrival at each browser: ${dashboard.load.expected} arrivals were due, ${dashboard.load.missing} were missing.

${table(COMPARED, [
  ...latencyRows(dashboard.load, bare.load),
  row('processor (1 core = 100 %)', dashboard.load.cpu, bare.load.cpu, percent),
  row('memory (RSS)', dashboard.load.rss, bare.load.rss, mib),
])}

On a quiet fleet (${QUIET_HOSTS} host, ${plan.quietSeconds} s; ${dashboard.quiet.missing} of ${dashboard.quiet.expected} missing):

${table(COMPARED, latencyRows(dashboard.quiet, bare.quiet))}`,
    `## After a broken network

${plan.reconnects} hosts lose their connections and reconnect at the same moment, until each has received \`registered\`.

${table(COMPARED, [row(`${plan.reconnects} reconnects`, dashboard.stormMs, bare.stormMs, ms)])}`,
    `## When all answer at once

${plan.reconnects} agents get one operation in one request, and start, finish and report it at the same moment: the time until the result of the last command is stored. The fleet and its database alone, without sockets, in one process; the best of five.

${table(
  ['', 'Inputs together', 'Each input alone', 'Ratio'],
  [row(`${plan.reconnects} answers`, answers.togetherMs, answers.aloneMs, ms)],
)}

Inputs that arrive while others are being stored share the next transaction. In the other column, each input is sent after the one before it has been stored.`,
    `## Output

${plan.lines.toLocaleString('en')} lines of one command, from one agent to one browser that watches. The dashboard stores each line before it shows it. Every line arrived once, in order and unchanged; otherwise the run fails.

${table(COMPARED, [
  row('throughput', dashboard.output.linesPerS, bare.output.linesPerS, perS),
  row('', dashboard.output.megabytesPerS, bare.output.megabytesPerS, (value) => `${value.toFixed(1)} MB/s`),
  row('time', dashboard.output.ms, bare.output.ms, ms),
])}`,
    `## Start

From the start of the process until \`/health\` answers 200, with everything built.

${table(
  ['', 'Time'],
  [
    ['first start (empty data folder: secrets, database, migrations)', ms(figures.firstStartMs)],
    ['next start', ms(figures.nextStartMs)],
  ],
)}`,
    page === null
      ? '## The fleet page\n\nNot measured: there was no Chromium. Install one, or set `CHROMIUM_PATH`.'
      : `## The fleet page

Headless Chromium on the same machine, empty cache, ${page.hosts} hosts connected with a heartbeat each 5 s. The best of three loads.

${table(
  ['', 'Figure'],
  [
    ['first content on the screen', ms(page.firstPaintMs)],
    ['first host on the screen', ms(page.hostVisibleMs)],
    ['JavaScript of the page, compressed', `${Math.round(page.scriptKB)} KB`],
    ['JavaScript fetched ahead for other pages, compressed', `${Math.round(page.aheadKB)} KB`],
    ['document, compressed', `${Math.round(page.documentKB)} KB`],
    ['processor of the open page while nobody touches it (1 core = 100 %)', percent(page.idle.idleShare)],
    ['the same in the background', percent(page.idle.hiddenShare)],
    ['processor time for one key in the filter', ms(page.idle.filterKeyMs)],
    ['processor time for a screenful scrolled', ms(page.idle.scrollMs)],
    ['load average of the machine meanwhile', page.load.toFixed(1)],
  ],
)}`,
    `## How to read this

- The **bare server** is \`scripts/bench/bare-server.ts\`: \`ws\` and JSON, no database, no checks, one message to every browser for each heartbeat. It is measured in the same run with the same agents, browsers and messages, so that the ratio says what the dashboard costs and the speed of the machine cancels out. Figures of two machines, or of two runs on a busy one, don't compare; ratios do, roughly.
- Under load the dashboard **gathers changes for 50 ms** on purpose and sends them as one message: a change waits 25 ms on average, and a browser gets 20 messages a second however many hosts there are. The bare server sends at once. On a quiet fleet the dashboard does, too.
- Server, simulated agents and browsers share the machine's cores, and all times are taken by one clock in one process. What the simulator needs itself is in both columns.
- Processor and memory are those of the server process alone, from \`/proc\`.

Run it: \`npm run bench\` (about two minutes; it builds first if needed), \`npm run bench -- --quick\` for a short run that writes nothing, \`--hosts\` and \`--seconds\` for another load. It connects to 127.0.0.1 only, uses a temporary data folder and leaves nothing behind.
`,
  ];
  return sections.join('\n\n');
}
