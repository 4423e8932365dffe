/**
 * `npm run bench:strangers`: how quickly `/health` answers while unauthenticated clients send requests that cost more to
 * read than to send, compared with the bare server. Writes its section of `docs/benchmarks.md`; `--quick` prints it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, type as systemName } from 'node:os';
import { join } from 'node:path';
import { format } from 'prettier';
import { Server } from './child';
import { startBenchDashboard } from './dashboard';
import { withSection } from './sections';
import { spread, type Spread } from './statistics';

const PAGE = 'docs/benchmarks.md';
const MIB = 1024 * 1024;
const isQuick = process.argv.includes('--quick');
const SECONDS = isQuick ? 2 : 10;
/** Between two requests. */
const PAUSE_MS = 5;

interface Measured {
  quiet: Spread;
  attacked: Spread;
  rssBefore: number;
  rssAfter: number;
}

/** Requests /health, one request after the other, each on a new connection. */
async function health(server: Server): Promise<Spread> {
  const times: number[] = [];
  const until = performance.now() + SECONDS * 1_000;
  while (performance.now() < until) {
    const from = performance.now();
    const answer = await fetch(`${server.http}/health`, { headers: { connection: 'close' } });
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`/health answered ${answer.status}`);
    times.push(performance.now() - from);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return spread(times);
}

async function measure(server: Server): Promise<Measured> {
  const quiet = await health(server);
  const rssBefore = server.usage()?.rss ?? 0;
  const strangers = spawn(
    process.execPath,
    ['--import', 'tsx', 'scripts/bench/hostile-child.ts', String(server.port)],
    {
      stdio: 'inherit',
    },
  );
  const gone = once(strangers, 'exit');
  try {
    return { quiet, attacked: await health(server), rssBefore, rssAfter: server.usage()?.rss ?? 0 };
  } finally {
    strangers.kill('SIGKILL');
    await gone;
  }
}

function render(dashboard: Measured, bare: Measured): string {
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const row = (figure: string, of: (measured: Measured) => number) =>
    `| ${figure} | ${ms(of(dashboard))} | ${ms(of(bare))} | ${(of(dashboard) / of(bare)).toFixed(2)} × |`;
  const memory = ({ rssBefore, rssAfter }: Measured) =>
    `${Math.round(rssBefore / MIB)} → ${Math.round(rssAfter / MIB)} MiB`;
  return `## While strangers send hostile requests

Eight connections at a time, without a session, send six kinds of bodies one after the other: 9.9 MB of brackets as JSON to the sign-in, 1 MB of brackets and 400,000 elements to server actions, 20,000 parts, 250,000 form fields, and 1 MB to an unknown path. Meanwhile \`/health\` is asked on separate connections, for ${SECONDS} s each. The bare server answers without looking at the body.

|   | Dashboard | Bare server | Ratio |
| --- | --- | --- | --- |
${row('p50, quiet', ({ quiet }) => quiet.p50)}
${row('p99, quiet', ({ quiet }) => quiet.p99)}
${row('p50, under attack', ({ attacked }) => attacked.p50)}
${row('p99, under attack', ({ attacked }) => attacked.p99)}
${row('longest, under attack', ({ attacked }) => attacked.max)}
| memory (RSS), before and after | ${memory(dashboard)} | ${memory(bare)} | – |

Measured ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown processor'}, ${systemName()} ${release()}. Run it: \`npm run bench:strangers\`.`;
}

const folder = mkdtempSync(join(tmpdir(), 'nixfleet-bench-strangers-'));
const { server: dashboard } = await startBenchDashboard(join(folder, 'data'));
try {
  const ours = await measure(dashboard);
  const server = await Server.start(['--import', 'tsx', 'scripts/bench/bare-server.ts'], {});
  const bare = await measure(server).finally(() => server.stop());
  const section = render(ours, bare);
  if (isQuick) console.log(section);
  else {
    const page = withSection(readFileSync(PAGE, 'utf8'), 'strangers', section);
    writeFileSync(PAGE, await format(page, { parser: 'markdown', singleQuote: true, printWidth: 120 }));
    console.log(`Written to ${PAGE}.`);
  }
} finally {
  await dashboard.stop();
  rmSync(folder, { recursive: true });
}
