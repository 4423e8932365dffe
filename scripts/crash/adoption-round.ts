/** Kills a dashboard while it adopts an old database: nothing of the old database may be lost, at any moment. */
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Database } from '@/lib/store/sqlite/driver';
import { pick, type Random } from '@/simulator/random';
import { Server } from '../bench/child';

const SAMPLES = [
  { file: 'lib/store/adopt/fixtures/nixfleet-v1.db', hosts: 14 },
  { file: 'lib/store/adopt/fixtures/nixfleet-go-3.1.5.db', hosts: 5 },
];
/** After the start of the process: loading takes most of a second, then come the adoption and the first writes. */
const EARLIEST_KILL_MS = 300;
const LATEST_KILL_MS = 1_600;
/** Most kills in a row before the adoption may complete. */
const MAX_KILLS = 3;

/** Returns what was lost; empty when the old file still exists, byte for byte, and the new one has every host. */
export async function adoptionRound(random: Random): Promise<string[]> {
  const sample = pick(random, SAMPLES);
  const dataDir = mkdtempSync(join(tmpdir(), 'nixfleet-crash-adoption-'));
  const database = join(dataDir, 'nixfleet.db');
  copyFileSync(sample.file, database);
  const environment = { NIXFLEET_LISTEN: '127.0.0.1:0', NIXFLEET_DATA_DIR: dataDir, NIXFLEET_LOG_LEVEL: 'warn' };
  const faults: string[] = [];
  try {
    for (let kills = 1 + Math.floor(random() * MAX_KILLS); kills > 0; kills -= 1) {
      const child = spawn(process.execPath, ['dist/server.mjs'], {
        env: { PATH: process.env.PATH, NODE_ENV: 'production', ...environment },
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      await new Promise((resolve) =>
        setTimeout(resolve, EARLIEST_KILL_MS + random() * (LATEST_KILL_MS - EARLIEST_KILL_MS)),
      );
      child.kill('SIGKILL');
      await ended;
      if (!oldFileExists(dataDir, sample.file)) faults.push(`The old file ${sample.file} no longer exists unchanged.`);
    }
    // The next start completes the adoption.
    const server = await Server.start(['dist/server.mjs'], environment);
    await server.stop();
    if (!oldFileExists(dataDir, sample.file)) faults.push(`After the adoption, ${sample.file} has no untouched copy.`);
    faults.push(...newFileFaults(database, sample.hosts));
  } finally {
    if (faults.length === 0) rmSync(dataDir, { recursive: true, force: true });
    else faults.push(`The data folder is kept: ${dataDir}`);
  }
  return faults;
}

/** In place while it was not adopted, or as the copy that is made first. */
function oldFileExists(dataDir: string, sample: string): boolean {
  const old = readFileSync(sample);
  return readdirSync(dataDir)
    .filter((name) => name === 'nixfleet.db' || (name.includes('.backup-') && name.endsWith('.db')))
    .some((name) => readFileSync(join(dataDir, name)).equals(old));
}

function newFileFaults(path: string, hosts: number): string[] {
  if (!existsSync(path)) return ['There is no database after the adoption.'];
  const client = new Database(path, { readonly: true });
  try {
    const found = client.prepare<[], number>('select count(*) from hosts').pluck().get();
    const integrity = client.pragma('integrity_check', { simple: true });
    return [
      ...(found === hosts ? [] : [`The new database has ${found ?? 0} hosts, the old one had ${hosts}.`]),
      ...(integrity === 'ok' ? [] : [`The new database is damaged: ${String(integrity)}`]),
    ];
  } finally {
    client.close();
  }
}
