/** With which exit code a start fails: 78 only where another attempt can't succeed. */
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureAgent } from '../scripts/build-agent.mjs';
import { startTestDashboard, TEST_TOKEN, type TestDashboard } from './testing/dashboard';
import { createHost, type TestHost } from './testing/host';

let host: TestHost;
let dashboard: TestDashboard;
let bundle: string;

beforeEach(async () => {
  bundle = await ensureAgent();
  host = createHost();
  dashboard = await startTestDashboard();
});
afterEach(async () => {
  await host.remove();
  await dashboard.stop();
});

it('a token file that is not there yet, or is still empty, is tried again', async () => {
  const file = host.path('token');
  const settings = { NIXFLEET_TOKEN: '', NIXFLEET_TOKEN_FILE: file };
  const missing = host.start(bundle, dashboard.url, settings);
  expect(await missing.exit).toMatchObject({ code: 1 });
  expect(missing.log()).toContain(`${file} can't be read (ENOENT)`);
  writeFileSync(file, '');
  const empty = host.start(bundle, dashboard.url, settings);
  expect(await empty.exit).toMatchObject({ code: 1 });
  expect(empty.log()).toContain('contains no token');
  writeFileSync(file, TEST_TOKEN);
  host.start(bundle, dashboard.url, settings);
  await dashboard.frame('register');
});

it('beside an invalid value, a missing token file is not tried again', async () => {
  const settings = { NIXFLEET_TOKEN: '', NIXFLEET_TOKEN_FILE: host.path('token'), NIXFLEET_INTERVAL: 'often' };
  const agent = host.start(bundle, dashboard.url, settings);
  expect(await agent.exit).toMatchObject({ code: 78 });
  expect(agent.log()).toContain('NIXFLEET_INTERVAL "often"');
  expect(agent.log()).toContain("can't be read");
});

it('a state folder that can’t be written is tried again', async () => {
  const place = host.path('state');
  writeFileSync(place, '');
  const agent = host.start(bundle, dashboard.url, { NIXFLEET_STATE_DIR: place });
  expect(await agent.exit).toMatchObject({ code: 1 });
  expect(agent.log()).toContain(`${place} can't be used`);
});
