/** Puts the fleet into its state, as an operator would, and takes the README's pictures in both themes. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hash } from '@node-rs/bcrypt';
import { chromium, type Browser, type Page } from '@playwright/test';
import { DEFAULT_SETTINGS, SETTINGS_KEY } from '@/app/_output/drawer/drawer-settings';
import { findPort, startDemoDashboard } from '../demo/dashboard.mjs';
import { cleanEnvironment } from '../demo/environment.mjs';
import { createDemoRepository } from '../demo/repository.mjs';
import { findChromium } from '../setup/chromium.mjs';
import { createScreenshotAgent, LAST_LINE, sendReports } from './fleet';
import { SCREENSHOT_HOSTS, SWITCHING } from './hosts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const IMAGES = join(ROOT, 'docs', 'images');
const VIEW = { width: 1440, height: 900 };
const DRAWER_PX = 268;
const STEP_TIMEOUT_MS = 30_000;
const MINUTE_MS = 60_000;
const MAX_BYTES = 250_000;
const PASSWORD = 'a password for the pictures';

const executablePath = findChromium(process.env);
if (executablePath === null) throw new Error('No Chromium was found: install one, or set CHROMIUM_PATH to it.');

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nixfleet-pictures-')));
/** Undone in reverse order. */
const undo: (() => Promise<unknown>)[] = [];
try {
  await takePictures();
} finally {
  for (const step of undo.reverse()) await step();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

async function takePictures(): Promise<void> {
  const { env } = cleanEnvironment(process.env);
  const repository = await createDemoRepository(folder, SCREENSHOT_HOSTS, { env });
  const ago = (minutes: number) => ({ date: new Date(Date.now() - minutes * MINUTE_MS) });
  await repository.commit('common: refuse passwords over SSH', ago(154));
  await repository.commit('atlas: back up the photo archive too', { host: 'atlas', ...ago(71) });
  await repository.commit('cygnus: serve the status page', { host: 'cygnus', ...ago(12) });

  const token = randomBytes(24).toString('base64url');
  const settings = {
    NIXFLEET_DATA_DIR: join(folder, 'data'),
    NIXFLEET_CONFIG_REPO: repository.origin,
    NIXFLEET_PASSWORD_HASH: await hash(PASSWORD),
    NIXFLEET_AGENT_TOKEN: token,
    NIXFLEET_LOG_LEVEL: 'warn',
  };
  const signal = new AbortController().signal;
  const dashboard = await startDemoDashboard({ root: ROOT, port: await findPort(), env, settings, signal });
  undo.push(() => dashboard.stop());

  const connect = { url: dashboard.agentUrl, token, work: repository.work };
  const fleet = SCREENSHOT_HOSTS.map((host, index) => ({ host, agent: createScreenshotAgent(host, index, connect) }));
  undo.push(() => Promise.all(fleet.map(({ agent }) => agent.close())));
  for (const { host, agent } of fleet) {
    agent.connect();
    await agent.whenRegistered();
    sendReports(agent, host);
  }

  const browser = await chromium.launch({
    executablePath: executablePath ?? undefined,
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  undo.push(() => browser.close());
  const page = await signIn(browser, dashboard.address);
  for (const { host, agent } of fleet) {
    if (host.presses) await press(page, host.name, host.presses.operation, host.presses.ending);
    if (host.leaves) await agent.close();
  }
  await page
    .locator(`[data-host="${SWITCHING}"]`)
    .getByRole('button', { name: /^Switch .+/ })
    .click();
  await page.getByTestId('output-drawer').getByText(LAST_LINE).waitFor();
  mkdirSync(IMAGES, { recursive: true });
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // Away from every control.
    await page.mouse.move(VIEW.width / 2, 4);
    const path = join(IMAGES, `fleet-${colorScheme}.png`);
    await page.screenshot({ path, animations: 'disabled', caret: 'hide' });
    const { size } = statSync(path);
    console.log(`${path}: ${Math.round(size / 1_000)} kB`);
    if (size > MAX_BYTES) throw new Error(`${path} is larger than ${MAX_BYTES / 1_000} kB.`);
  }
}

async function signIn(browser: Browser, address: string): Promise<Page> {
  const context = await browser.newContext({ viewport: VIEW, colorScheme: 'dark', reducedMotion: 'reduce' });
  const drawer = JSON.stringify({ ...DEFAULT_SETTINGS, height: DRAWER_PX });
  await context.addInitScript({
    content: `localStorage.setItem(${JSON.stringify(SETTINGS_KEY)}, ${JSON.stringify(drawer)});`,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_TIMEOUT_MS);
  await page.goto(`${address}/login`);
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('[data-testid="connection"][data-state="live"]').waitFor();
  return page;
}

async function press(page: Page, name: string, operation: string, ending: string): Promise<void> {
  const row = page.locator(`[data-testid="host-row"][data-host="${name}"]`);
  const button = row.getByRole('button', { name: operation, exact: true });
  await button.click();
  // While something runs, Stop takes the place of the other buttons.
  await row.getByRole('button', { name: 'Stop', exact: true }).waitFor();
  if (ending !== 'hangs') await button.waitFor();
}
