import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { '@': fileURLToPath(new URL('.', import.meta.url)) } },
  test: {
    include: ['{lib,agent,simulator,cli,scripts,app,nix}/**/*.test.{ts,tsx}'],
    environment: 'node',
    // One worker a core: many tests wait for a process, and the main process does little.
    maxWorkers: availableParallelism(),
    // A net for what hangs; no test proves anything by it.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
