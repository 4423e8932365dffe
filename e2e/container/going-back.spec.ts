/** A container on the data of an earlier version: the backup before the migration, and the way back that it logs. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './support/engine';
import { expect, test } from './support/fixtures';
import { asRoot } from './support/installation';

/** A database with one migration less than this version has. */
const OLDER = 'lib/store/sqlite/fixtures/0002_pipeline_steps.db';

test('the start backs up older data first, and the logged command goes back', async ({ containers }) => {
  const installation = containers.install('docker-compose.local.yml', {
    NIXFLEET_PUBLISH: `127.0.0.1:${await freePort()}`,
  });
  copyFileSync(OLDER, join(installation.data, 'nixfleet.db'));
  await installation.own();
  await installation.up();
  await installation.answers();

  const log = await installation.log();
  const [, command = '', path = ''] =
    /"command":"docker compose (run --rm (?:-T )?nixfleet nixfleet restore (\S+?))"/.exec(log) ?? [];
  expect(path, log).toMatch(/^\/data\/backups\/before-\d\S+\.db$/);
  const files = await installation.exec('ls', '-1', '/data/backups');
  expect(files.split('\n').sort()).toEqual(
    ['', '.json', '.txt'].map((end) => path.slice('/data/backups/'.length) + end),
  );
  const steps = await installation.exec('cat', `${path}.txt`);
  expect(steps).toContain(`docker compose ${command}\n`);
  expect(await installation.exec('nixfleet', 'check', path)).toContain('schema   3 migrations');
  expect(await installation.exec('nixfleet', 'check')).toContain('schema   4 migrations');

  await installation.compose('stop');
  expect(await installation.compose(...command.split(' '))).toContain(`Restored ${path}`);
  await asRoot(installation.folder, 'ls /mnt/data/nixfleet.db.before-restore-*');

  // The same version again: it migrates again, with a new backup.
  await installation.compose('start');
  await installation.answers();
  const again = await installation.exec('sh', '-c', 'ls -1 /data/backups/before-*.db');
  expect(again.split('\n')).toHaveLength(2);
  expect(await installation.exec('nixfleet', 'check')).toContain('schema   4 migrations');
});
