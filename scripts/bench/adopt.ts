/**
 * `npm run bench:adopt`: how long the adoption of a large database of version 1 takes, and whether its memory stays flat.
 * Writes its section of `docs/benchmarks.md`; `--quick` prints a hundredth of it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, type as systemName } from 'node:os';
import { join } from 'node:path';
import { format } from 'prettier';
import { z } from 'zod';
import { Database } from '@/lib/store/sqlite/driver';
import { withSection } from './sections';

const PAGE = 'docs/benchmarks.md';
const HOSTS = 1_000;
const SIZES = [100_000, 1_000_000];
const MIB = 1024 * 1024;
const figuresSchema = z.object({ ms: z.number(), peakBytes: z.number(), hosts: z.number(), commands: z.number() });

interface Row {
  commands: number;
  oldBytes: number;
  newBytes: number;
  ms: number;
  peakBytes: number;
}

const isQuick = process.argv.includes('--quick');
const folder = mkdtempSync(join(tmpdir(), 'nixfleet-bench-adopt-'));
try {
  const rows = [0, ...SIZES.map((size) => (isQuick ? size / 100 : size))].map(measure);
  const section = render(rows);
  if (isQuick) console.log(section);
  else {
    const page = withSection(readFileSync(PAGE, 'utf8'), 'adoption', section);
    writeFileSync(PAGE, await format(page, { parser: 'markdown', singleQuote: true, printWidth: 120 }));
    console.log(`Written to ${PAGE}.`);
  }
} finally {
  rmSync(folder, { recursive: true });
}

function measure(commands: number): Row {
  const path = join(folder, `${commands}`, 'nixfleet.db');
  execFileSync('mkdir', ['-p', join(folder, `${commands}`)]);
  console.log(`· ${commands.toLocaleString('en')} commands`);
  writeVersionOne(path, commands);
  const oldBytes = statSync(path).size;
  const printed = execFileSync(process.execPath, ['--import', 'tsx', 'scripts/bench/adopt-child.ts', path], {
    encoding: 'utf8',
  });
  const figures = figuresSchema.parse(JSON.parse(printed));
  if (figures.hosts !== HOSTS || figures.commands !== commands) {
    throw new Error(`${figures.hosts} hosts and ${figures.commands} commands came out of ${HOSTS} and ${commands}.`);
  }
  const newBytes = statSync(path).size;
  rmSync(join(folder, `${commands}`), { recursive: true });
  return { commands, oldBytes, newBytes, ms: figures.ms, peakBytes: figures.peakBytes };
}

/** In the form of version 1; the output is 300 characters on average, in lines. */
function writeVersionOne(path: string, commands: number): void {
  const client = new Database(path);
  client.pragma('synchronous = OFF');
  client.exec(`
    create table hosts (
      id text primary key, hostname text not null, host_type text not null, location text, device_type text,
      theme_color text, criticality text, last_seen text, current_generation text, status text, comment text,
      poll_interval integer, metrics text, agent_version text, agent_token_hash text);
    create table command_log (
      id integer primary key autoincrement, host_id text not null, command text not null, status text not null,
      output text, created_at text not null, completed_at text);
    create table sessions (token text primary key, csrf_token text not null, expires_at text not null, created_at text not null);
    begin;
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${HOSTS})
    insert into hosts select 'host-' || i, 'host-' || i, 'nixos', 'home', 'server', '#769ff0', 'low',
      '2026-11-22T11:59:35.169397', hex(randomblob(20)), 'ok', 'Pull successful', 30,
      '{"cpu": 50, "ram": 79, "swap": 0, "load": "1.59"}', '0.4.0-e547f73', lower(hex(randomblob(32))) from n;
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${commands})
    insert into command_log (host_id, command, status, output, created_at, completed_at)
      select 'host-' || (i % ${HOSTS} + 1), 'pull', 'ok',
        'Pull: Updating' || char(10) || replace(hex(randomblob(50 + i % 100)), '00', char(10)) || char(10) || ' 1 file changed',
        strftime('%Y-%m-%dT%H:%M:%f', 1780000000 + i, 'unixepoch'),
        strftime('%Y-%m-%dT%H:%M:%f', 1780000030 + i, 'unixepoch')
      from n where ${commands} > 0;
    commit`);
  client.close();
}

function render(rows: readonly Row[]): string {
  const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
  const table = rows.map(
    ({ commands, oldBytes, newBytes, ms, peakBytes }) =>
      `| ${[commands.toLocaleString('en'), mib(oldBytes), mib(newBytes), `${(ms / 1_000).toFixed(1)} s`, mib(peakBytes)].join(' | ')} |`,
  );
  return `## Taking over a database of version 1

${HOSTS.toLocaleString('en')} hosts, each with its share of the commands and their output. From the opening of the old file, over the untouched copy and its check, until the new database is open. Memory is the highest that the process ever had; the row without commands says what the process takes by itself.

| Commands | Old file | New file | Time | Memory (peak RSS) |
| --- | --- | --- | --- | --- |
${table.join('\n')}

Measured ${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown processor'}, ${systemName()} ${release()}. Run it: \`npm run bench:adopt\`.`;
}
