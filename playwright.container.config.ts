/** The end-to-end tests against the image, started by the compose files: `npm run test:container`. */
import { defineConfig } from '@playwright/test';
import base from './playwright.config';

export default defineConfig(base, {
  testDir: 'e2e/container',
  testIgnore: [],
  outputDir: 'test-results/container',
  // They share one image, and addresses that a compose file fixes.
  workers: 1,
  fullyParallel: false,
  // Containers start and stop, and updates wait for agents.
  timeout: 300_000,
  expect: { timeout: 30_000 },
});
