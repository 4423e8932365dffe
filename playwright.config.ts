import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from '@playwright/test';

/** Debian's browser: one that Playwright downloads is never used. */
const executablePath =
  process.env.CHROMIUM_PATH ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
const asRoot = process.getuid?.() === 0;

export default defineConfig({
  testDir: 'e2e',
  // Each test makes what it needs, so the workers share all tests: a long file does not end alone.
  fullyParallel: true,
  // Those have a separate configuration (playwright.container.config.ts).
  testIgnore: 'container/**',
  globalSetup: './e2e/support/build.ts',
  outputDir: 'test-results',
  // Each test starts its dashboard and agents, and waits most of its time: for a build, a code, a reconnect.
  workers: Math.min(3, availableParallelism() + 1),
  retries: 0,
  // Nets for what hangs, wide enough for a slow and busy machine; no test proves anything by them.
  timeout: 600_000,
  expect: { timeout: 30_000 },
  forbidOnly: process.env.CI !== undefined,
  use: {
    browserName: 'chromium',
    // Without these, a click on what is covered waits until the test itself is over, and nobody sees what it waited for.
    actionTimeout: 60_000,
    navigationTimeout: 60_000,
    viewport: { width: 1440, height: 900 },
    contextOptions: { reducedMotion: 'reduce' },
    // A trace of every step costs more than the steps themselves: only on demand.
    trace: process.env.NIXFLEET_E2E_TRACE === '1' ? 'retain-on-failure' : 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath,
      args: [
        ...(asRoot ? ['--no-sandbox'] : []),
        '--disable-dev-shm-usage',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    },
  },
});
