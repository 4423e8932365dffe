/** The production server on the databases of older dashboards: it starts, people sign in as before, the hosts are there. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashSync } from '@node-rs/bcrypt';
import { Authenticator } from './support/authenticator';
import { expect, test } from './support/fixtures';
import { FleetPage } from './support/fleet-page';
import { PASSWORD, signIn, TOTP_SECRET } from './support/operator';
import { OLD_SAMPLES, putOldDatabase } from './support/old-data';

const BCRYPT_COST = 10;
/** As in the environment of the old dashboard. */
const SETTINGS = {
  NIXFLEET_PASSWORD_HASH: hashSync(PASSWORD, { cost: BCRYPT_COST }),
  NIXFLEET_TOTP_SECRET: TOTP_SECRET,
};

test('a version-1 database is adopted with its password and all hosts', async ({ page, world }) => {
  const dashboard = world.makeDashboard(SETTINGS);
  const data = putOldDatabase(dashboard, 'nixfleet-v1.db');
  await dashboard.start();
  expect(dashboard.lines.join('\n')).toContain('hosts: 14 rows = 11 kept + 3 adjusted');
  await page.goto(dashboard.url);
  await signIn(page, new Authenticator(TOTP_SECRET));

  const fleet = new FleetPage(page);
  for (const name of ['csb0', 'hsb8', 'mba-mbp-work', 'planned-nas']) await expect(fleet.row(name)).toBeVisible();
  await fleet.row('csb0').getByRole('button', { name: 'More actions for csb0' }).click();
  const menu = page.getByRole('menu', { name: 'More actions for csb0' });
  await expect(menu).toHaveAccessibleDescription(/Pull successful\s+Criticality: high/);
  await expect(menu).toContainText('Note from the older dashboard:');
  await page.goto(`${dashboard.url}/activity`);
  await expect(page.getByText(/The database of version 1 .* was adopted: 14 hosts/)).toBeVisible();
  const copy = readdirSync(data).find((name) => /\.backup-v1-.*\.db$/.test(name)) ?? '';
  expect(readFileSync(join(data, copy)).equals(readFileSync(join(OLD_SAMPLES, 'nixfleet-v1.db')))).toBe(true);

  // A second start finds its own database.
  expect(await dashboard.end()).toBe(0);
  await dashboard.start();
  expect(dashboard.lines.join('\n')).not.toContain('was adopted');
});

test('a database of the Go dashboard is adopted with its password and all hosts', async ({ page, world }) => {
  const dashboard = world.makeDashboard(SETTINGS);
  putOldDatabase(dashboard, 'nixfleet-go-3.1.5.db');
  await dashboard.start();
  await page.goto(dashboard.url);
  await signIn(page, new Authenticator(TOTP_SECRET));
  const fleet = new FleetPage(page);
  for (const name of ['sim1', 'sim2', '../../evil', 'pp', 'stuck']) await expect(fleet.row(name)).toBeVisible();
});

test('the dashboard reports a damaged old database and exits without listening', async ({ world }) => {
  const dashboard = world.makeDashboard(SETTINGS);
  const data = putOldDatabase(dashboard, 'nixfleet-v1.db');
  const file = join(data, 'nixfleet.db');
  const bytes = readFileSync(file);
  bytes.fill(0xff, 20 * 4_096, 24 * 4_096);
  writeFileSync(file, bytes);
  await expect(dashboard.start()).rejects.toThrow(/NixFleet could not start: .*damaged/);
  expect(dashboard.lines.join('\n')).not.toContain('http://localhost');
  expect(await dashboard.end()).toBe(1);
  expect(readFileSync(file).equals(bytes)).toBe(true);
  expect(existsSync(`${file}.adopting`)).toBe(false);
});
