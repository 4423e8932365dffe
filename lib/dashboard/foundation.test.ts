/** A start on the database of an earlier version, from the environment to the open database. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Database } from '@/lib/store/sqlite/driver';
import { readLastVersion } from '@/lib/store/sqlite/last-version';
import { VERSION } from '@/lib/version';
import { findInstallation } from './installation';

const ROOT = join(import.meta.dirname, '..', '..');
const FIXTURES = join(ROOT, 'lib/store/sqlite/fixtures');

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nixfleet-foundation-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the foundation in a separate process, as server.ts does. Returns its lines. */
function start(settings: Record<string, string> = {}): string {
  const module = JSON.stringify(join(import.meta.dirname, 'foundation.ts'));
  const program = `import { createFoundation } from ${module}; const { opening } = await createFoundation(); await opening; process.exit(0);`;
  const { PATH } = process.env;
  const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH, NODE_ENV: 'test', NIXFLEET_DATA_DIR: folder, ...settings },
  });
  return stdout + stderr;
}

function addFutureMigration(): void {
  const client = new Database(join(folder, 'nixfleet.db'));
  client.exec("insert into __drizzle_migrations (hash, created_at) values ('next', 4000000000000)");
  client.close();
}

it('backs up before a migration, records its version, and names that backup when the database is from a newer version', () => {
  copyFileSync(join(FIXTURES, '0002_pipeline_steps.db'), join(folder, 'nixfleet.db'));
  const first = start();
  const [backup = ''] = readdirSync(join(folder, 'backups'));
  expect(backup).toMatch(new RegExp(`^before-${VERSION}-.*\\.db$`));
  const command = `npm run nixfleet -- restore ${join(folder, 'backups', backup)}`;
  expect(first).toContain(command);
  expect(first).toContain('database migrated');
  const client = new Database(join(folder, 'nixfleet.db'));
  expect(readLastVersion(client)).toBe(VERSION);
  expect(client.prepare("select count(*) from settings where key = 'version'").pluck().get()).toBe(1);
  client.close();

  expect(start()).not.toContain('restore');
  expect(readdirSync(join(folder, 'backups'))).toHaveLength(3);

  addFutureMigration();
  const refused = start();
  expect(refused).toContain('was written by a newer NixFleet');
  expect(refused).toContain(command);
});

it('makes no backup with NIXFLEET_BACKUP_BEFORE_UPDATE=false, for a new database, or after an adoption', () => {
  copyFileSync(join(FIXTURES, '0002_pipeline_steps.db'), join(folder, 'nixfleet.db'));
  expect(start({ NIXFLEET_BACKUP_BEFORE_UPDATE: 'false' })).toContain('database migrated');
  rmSync(folder, { recursive: true });
  expect(start()).toContain('database migrated');
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  copyFileSync(join(ROOT, 'lib/store/adopt/fixtures/nixfleet-v1.db'), join(folder, 'nixfleet.db'));
  start();
  expect(readdirSync(folder).some((name) => /^nixfleet\.backup-v1-.*\.db$/.test(name))).toBe(true);
  expect(existsSync(join(folder, 'backups'))).toBe(false);
});

it('ends without a change when the backup fails', () => {
  const path = join(folder, 'nixfleet.db');
  copyFileSync(join(FIXTURES, '0002_pipeline_steps.db'), path);
  const before = readFileSync(path);
  const printed = start({ NIXFLEET_BACKUP_DIR: join(path, 'backups') });
  expect(printed).toContain('The database was not migrated.');
  expect(readFileSync(path)).toEqual(before);
});

it('tells an installation by its marker and its path', () => {
  expect(findInstallation('/app/dist/server.mjs', true)).toBe('container');
  expect(findInstallation('/nix/store/0000-nixfleet-4.1.0/lib/nixfleet/dist/server.mjs', false)).toBe('nix');
  expect(findInstallation('/home/you/nixfleet/dist/server.mjs', false)).toBe('plain');
});
