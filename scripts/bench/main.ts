/** `npm run bench`: one run, from the start of the servers to `docs/benchmarks.md`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, type as systemName } from 'node:os';
import { join } from 'node:path';
import { format } from 'prettier';
import { findChromium } from '../setup/chromium.mjs';
import { measureAnswers } from './answers';
import { Server } from './child';
import { signInToBench, startBenchDashboard } from './dashboard';
import { measureLatency, type Target } from './latency';
import { measureOutput, prepareCommand } from './output';
import { measurePage } from './page';
import { QUIET_HOSTS, readPlan, USAGE, type BenchPlan } from './plan';
import { render, type Figures, type Measured } from './report';
import { withSectionsOf } from './sections';
import { measureStorm } from './storm';

const PAGE = 'docs/benchmarks.md';
/** A run that takes longer is stuck. */
const RUN_TIMEOUT_MS = 10 * 60_000;
const EXIT_USAGE = 2;
/** The best of these rounds counts. */
const ANSWER_ROUNDS = 5;
/** Short enough for many samples, long enough that no two changes share a batch. */
const QUIET_INTERVAL_MS = 700;

const parsed = readPlan(process.argv.slice(2));
switch (parsed.kind) {
  case 'help':
    console.log(USAGE);
    break;
  case 'problem':
    console.error(`${parsed.problem}\n\nnpm run bench -- --help lists the options.`);
    process.exitCode = EXIT_USAGE;
    break;
  case 'run':
    process.exitCode = await bench(parsed.plan);
}

async function bench(plan: BenchPlan): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'nixfleet-bench-'));
  const running = new Set<Server>();
  const abort = (why: string) => {
    console.error(why);
    void cleanUp(folder, running).finally(() => process.exit(1));
  };
  const timer = setTimeout(() => abort('The benchmark took too long and was stopped.'), RUN_TIMEOUT_MS);
  const onSignal = () => abort('Stopped.');
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    const figures = await measure(plan, folder, running);
    const text = withSectionsOf(readFileSync(PAGE, 'utf8'), render(plan, figures, environment()));
    if (plan.writes) {
      writeFileSync(PAGE, await format(text, { parser: 'markdown', singleQuote: true, printWidth: 120 }));
      console.log(`\nWritten to ${PAGE}.`);
    } else {
      console.log(`\n${text}`);
    }
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? (error.stack ?? error.message) : error);
    return 1;
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    await cleanUp(folder, running);
  }
}

async function measure(plan: BenchPlan, folder: string, running: Set<Server>): Promise<Figures> {
  const dataDir = join(folder, 'data');
  const begin = async () => {
    const started = await startBenchDashboard(dataDir);
    running.add(started.server);
    return started;
  };
  // In this process, so before the simulation fills its memory.
  say(`${plan.reconnects} agents answer one request`);
  const answers = await measureAnswers(folder, plan.reconnects, ANSWER_ROUNDS);
  say('first start of the dashboard');
  const first = await begin();
  await first.server.stop();
  const commandId = await prepareCommand(dataDir);
  say('next start');
  const next = await begin();
  const target = await signInToBench(next.server, dataDir);
  const dashboard = await measureServer('dashboard', target, commandId, plan);
  const chromium = findChromium(process.env);
  say(`the fleet page with ${plan.pageHosts} hosts`);
  const page = chromium === null ? null : await measurePage(target, chromium, plan.pageHosts);
  await next.server.stop();

  const server = await Server.start(['--import', 'tsx', 'scripts/bench/bare-server.ts'], {});
  running.add(server);
  const bare = await measureServer('bare server', { server, token: 'bare', cookie: '' }, commandId, plan);
  await server.stop();
  return { dashboard, bare, answers, firstStartMs: first.startMs, nextStartMs: next.startMs, page };
}

async function measureServer(name: string, target: Target, commandId: string, plan: BenchPlan): Promise<Measured> {
  const { hosts, intervalMs, seconds, browsers } = plan;
  say(`${name}: ${plan.lines} lines of output`);
  const output = await measureOutput(target, commandId, plan.lines);
  say(`${name}: a quiet fleet`);
  const quietLoad = { hosts: QUIET_HOSTS, intervalMs: QUIET_INTERVAL_MS, seconds: plan.quietSeconds, browsers };
  const quiet = await measureLatency(target, quietLoad);
  say(`${name}: ${hosts} hosts`);
  const load = await measureLatency(target, { hosts, intervalMs, seconds, browsers });
  say(`${name}: ${plan.reconnects} reconnects`);
  const stormMs = await measureStorm(target, plan.reconnects);
  return { load, quiet, stormMs, output };
}

async function cleanUp(folder: string, running: Set<Server>): Promise<void> {
  await Promise.all([...running].map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
}

function environment() {
  const manifest: unknown = JSON.parse(readFileSync('package.json', 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : '';
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    version,
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown processor',
    system: `${systemName()} ${release().split('-', 1)[0] ?? ''}`,
  };
}

function say(text: string): void {
  console.log(`· ${text}`);
}
