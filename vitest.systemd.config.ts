/** The tests with the real systemd. `npm run test:systemd` runs them in a container; elsewhere they are skipped. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const ROOT = fileURLToPath(new URL('.', import.meta.url));

export default defineConfig({
  resolve: { alias: { '@': ROOT } },
  test: {
    root: ROOT,
    include: [join('agent', 'testing', 'systemd', '*.systemd.ts')],
    environment: 'node',
    // One machine: one test at a time, in the order of the file.
    fileParallelism: false,
    // What follows a failure finds a machine in another state than it expects.
    bail: 1,
    testTimeout: 100_000,
    hookTimeout: 60_000,
  },
});
