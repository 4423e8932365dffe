import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';

/**
 * Tests of code without effects: they start no process and leave nothing behind in theirs, so a worker runs one file of
 * them after the other and loads each module once. All others get a process for each file.
 */
const PURE = ['{app,lib/{causes,fleet,limits,outbox,protocol,text,timers}}/**/*.test.{ts,tsx}'];

export default defineConfig({
  resolve: { alias: { '@': fileURLToPath(new URL('.', import.meta.url)) } },
  test: {
    environment: 'node',
    // One more than cores: many tests wait most of their time, for a process or for a limit of time.
    maxWorkers: availableParallelism() + 1,
    // Nets for what hangs, wide enough for a slow and busy machine; no test proves anything by them.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 90_000 } },
    projects: [
      { extends: true, test: { name: 'pure', include: PURE, isolate: false } },
      {
        extends: true,
        test: {
          name: 'separate',
          include: ['{lib,agent,simulator,cli,scripts,app,nix}/**/*.test.{ts,tsx}'],
          exclude: [...configDefaults.exclude, ...PURE],
        },
      },
    ],
  },
});
