/** The main path against the image, three times: fresh, with the data of version 1, and behind a proxy with TLS. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '@/scripts/free-port';
import { Authenticator } from '../support/authenticator';
import { setUpAndSignIn, signIn, TOTP_SECRET } from '../support/operator';
import { IMAGE } from './support/engine';
import { expect, test } from './support/fixtures';
import { walkMainPath } from './support/main-path';
import { runDocument } from './support/operations-document';
import { startProxy } from './support/proxy';
import { startVersion1 } from './support/version-1';

const AGENT_TOKEN = 'the-token-of-the-container-tests';
/** Of the password in `e2e/support/operator.ts`. */
const PASSWORD_HASH = '$2b$10$jQ.TpulZ5Fjp02.ubIo7J.kTRe1klHecMrIGyIhq87.Mf2RYf7CGm';
/** In `lib/store/adopt/fixtures/nixfleet-v1.db`. */
const HOSTS_OF_VERSION_1 = 14;

test('a new installation is set up in the browser and runs the main path', async ({ page, world, containers }) => {
  const port = await freePort();
  const host = world.makeHost('web');
  const installation = containers.install('docker-compose.local.yml', {
    NIXFLEET_PUBLISH: `127.0.0.1:${port}`,
    NIXFLEET_AGENT_TOKEN: AGENT_TOKEN,
    NIXFLEET_CONFIG_REPO: '/data/config.git',
  });
  cpSync(host.remote, join(installation.data, 'config.git'), { recursive: true });
  await installation.own();
  await installation.up();
  await installation.answers();
  const [link = ''] = /\/setup\?code=\S+/.exec(await installation.log()) ?? [];

  world.expectCuts();
  await walkMainPath({
    page,
    installation,
    host,
    signIn: () => setUpAndSignIn(page, `http://localhost:${port}${link}`),
    startAgent: () =>
      world.startAgent(host, { agentUrl: `ws://127.0.0.1:${port}/ws` }, { NIXFLEET_TOKEN: AGENT_TOKEN }),
  });
});

test('version-1 data is migrated as in docs/operations.md, and back', async ({ page, world, containers }) => {
  const port = await freePort();
  const host = world.makeHost('hsb0');
  const version1 = await startVersion1(containers, {
    NIXFLEET_PASSWORD_HASH: PASSWORD_HASH,
    NIXFLEET_TOTP_SECRET: TOTP_SECRET,
    NIXFLEET_SESSION_SECRETS: 'the first secret of version 1,an older one',
    NIXFLEET_API_TOKEN: AGENT_TOKEN,
    // What the operator adds on the way.
    NIXFLEET_IMAGE: IMAGE,
    NIXFLEET_PUBLISH: `127.0.0.1:${port}`,
    NIXFLEET_CONFIG_REPO: '/data/config.git',
  });
  const before = await version1.databaseHash();
  const installation = containers.install('docker-compose.local.yml');
  cpSync(host.remote, join(installation.data, 'config.git'), { recursive: true });
  const variables = {
    old: version1.folder,
    new: installation.folder,
    volume: version1.volume,
    container: version1.container,
    image: IMAGE,
    COMPOSE_FILE: installation.composeFile,
  };

  await test.step('the steps of the document', async () => {
    const said = await runDocument('move', variables);
    expect(said).toContain('No problems found.');
    expect(await version1.isRunning()).toBe(false);
    expect(said).toContain('NIXFLEET_API_TOKEN is a name of version 1');
  });

  world.expectCuts();
  await walkMainPath({
    page,
    installation,
    host,
    signIn: async () => {
      await page.goto(`http://localhost:${port}/login`);
      await signIn(page, new Authenticator(TOTP_SECRET));
      await expect(page.locator('[data-testid="host-row"]')).toHaveCount(HOSTS_OF_VERSION_1);
    },
    startAgent: () =>
      world.startAgent(host, { agentUrl: `ws://127.0.0.1:${port}/ws` }, { NIXFLEET_TOKEN: AGENT_TOKEN }),
  });

  await test.step('and back: version 1 has its data as they were', async () => {
    await page.goto('about:blank');
    await runDocument('move-back', variables);
    expect(await version1.isRunning()).toBe(true);
    expect(await version1.databaseHash()).toBe(before);
  });
});

test.describe('behind a proxy with TLS', () => {
  test.use({ ignoreHTTPSErrors: true });

  test('cookies have their production names, and the main path works', async ({ page, context, world, containers }) => {
    const proxy = await startProxy(containers);
    const host = world.makeHost('web');
    const installation = containers.install('docker-compose.yml', {
      NIXFLEET_DOMAIN: proxy.domain,
      TRAEFIK_NETWORK: proxy.network,
      NIXFLEET_PASSWORD_HASH: PASSWORD_HASH,
      NIXFLEET_TOTP_SECRET: TOTP_SECRET,
      NIXFLEET_AGENT_TOKEN: AGENT_TOKEN,
      NIXFLEET_CONFIG_REPO: '/data/config.git',
    });
    cpSync(host.remote, join(installation.data, 'config.git'), { recursive: true });
    await installation.own();
    await installation.up();
    await installation.answers();

    world.expectCuts();
    await walkMainPath({
      page,
      installation,
      host,
      signIn: async () => {
        await page.goto(`${proxy.url}/login`);
        await signIn(page, new Authenticator(TOTP_SECRET));
        const names = (await context.cookies()).map(({ name, secure, httpOnly }) => ({ name, secure, httpOnly }));
        expect(names.length).toBeGreaterThan(0);
        for (const { name, secure, httpOnly } of names) {
          expect(name).toMatch(/^__(Secure|Host)-/);
          expect({ secure, httpOnly }).toEqual({ secure: true, httpOnly: true });
        }
      },
      startAgent: () =>
        world.startAgent(
          host,
          { agentUrl: `wss://${proxy.domain}/ws` },
          { NIXFLEET_TOKEN: AGENT_TOKEN, NODE_EXTRA_CA_CERTS: proxy.certificate },
        ),
    });
    // The address in the record is the browser's, as the proxy tells it, not the proxy's own.
    await page.goto(`${proxy.url}/activity`);
    await expect(page.getByText(/signed in/i).first()).toBeVisible();
  });
});
