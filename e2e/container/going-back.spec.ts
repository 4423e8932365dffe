/** A container on the data of an earlier version: the backup before the migration, and the way back that it logs. */
import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@/scripts/free-port';
import { expect, test } from './support/fixtures';
import { asRoot, type Installation } from './support/installation';

const OF_4_0_0 = 'lib/store/sqlite/fixtures/0003_hosts_without_approval.db';
const NEWEST = `${readdirSync('drizzle').filter((name) => name.endsWith('.sql')).length} migrations`;

/** The schema of a file, by default of the database in use. The events of the fixture are no chain: the check finds that. */
async function schemaOf(installation: Installation, file = ''): Promise<string> {
  const said = await installation.exec('sh', '-c', `nixfleet check ${file} || true`);
  return /^ {2}schema +(\d+ migrations)/m.exec(said)?.[1] ?? said;
}

test('startup backs up older data first, and the logged command goes back', async ({ containers }) => {
  const installation = containers.install('docker-compose.local.yml', {
    NIXFLEET_PUBLISH: `127.0.0.1:${await freePort()}`,
  });
  copyFileSync(OF_4_0_0, join(installation.data, 'nixfleet.db'));
  await installation.own();
  await installation.up();
  await installation.answers();

  const log = await installation.log();
  const [, command = '', path = ''] =
    /"command":"docker compose (run --rm --no-deps nixfleet nixfleet restore (\S+?))"/.exec(log) ?? [];
  expect(path, log).toMatch(/^\/data\/backups\/before-\d\S+\.db$/);
  const files = await installation.exec('ls', '-1', '/data/backups');
  expect(files.split('\n').sort()).toEqual(
    ['', '.json', '.txt'].map((end) => path.slice('/data/backups/'.length) + end),
  );
  const steps = await installation.exec('cat', `${path}.txt`);
  expect(steps).toContain(`docker compose ${command}\n`);
  expect(await schemaOf(installation, path)).toBe('4 migrations');
  expect(await schemaOf(installation)).toBe(NEWEST);

  await installation.compose('stop');
  expect(await installation.compose(...command.split(' '))).toContain(`Restored ${path}`);
  await asRoot(installation.folder, 'ls /mnt/data/nixfleet.db.before-restore-*');

  // The same version again: it migrates again, with a new backup.
  await installation.compose('start');
  await installation.answers();
  const again = await installation.exec('sh', '-c', 'ls -1 /data/backups/before-*.db');
  expect(again.split('\n')).toHaveLength(2);
  expect(await schemaOf(installation)).toBe(NEWEST);
});
