/** A machine on which version 1 runs: its data in a named volume, its settings in the folder of its checkout. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { engine, IMAGE } from './engine';

/** What version 1 wrote, with the oddities of the field. */
const FIXTURES = 'lib/store/adopt/fixtures';

export interface Version1 {
  /** The folder with its `.env`. */
  folder: string;
  volume: string;
  container: string;
  /** The SHA-256 of its database, in hex. */
  databaseHash(): Promise<string>;
  isRunning(): Promise<boolean>;
}

/** Sets it up: only its program is a stand-in (it sleeps); volume, file and settings are as version 1 left them. */
export async function startVersion1(
  containers: { afterwards(work: () => Promise<unknown>): void },
  settings: Record<string, string>,
): Promise<Version1> {
  const name = `nf-v1-${randomBytes(5).toString('hex')}`;
  const folder = mkdtempSync(join(tmpdir(), 'nixfleet-version-1-'));
  // Version 1's documentation wrote the hash without quotes.
  const lines = Object.entries(settings).map(([variable, value]) => `${variable}=${value}`);
  writeFileSync(join(folder, '.env'), `${lines.join('\n')}\n`);
  await engine('volume', 'create', name);
  await engine(
    ...['run', '--rm', '--user', '0', '-v', `${name}:/data`, '-v', `${resolve(FIXTURES)}:/fixtures:ro`],
    ...[
      '--entrypoint',
      '/bin/sh',
      IMAGE,
      '-c',
      'cp /fixtures/nixfleet-v1.db /data/nixfleet.db && chown -R 1000:1000 /data',
    ],
  );
  await engine('run', '-d', '--name', name, '-v', `${name}:/data`, IMAGE, 'sleep', 'infinity');
  containers.afterwards(async () => {
    await engine('rm', '-f', name);
    await engine('volume', 'rm', name);
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    volume: name,
    container: name,
    async databaseHash() {
      const said = await engine('run', '--rm', '-v', `${name}:/data:ro`, IMAGE, 'sha256sum', '/data/nixfleet.db');
      return said.split(' ')[0] ?? '';
    },
    async isRunning() {
      return (await engine('inspect', '--format', '{{.State.Running}}', name)) === 'true';
    },
  };
}
