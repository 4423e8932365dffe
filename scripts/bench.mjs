// @ts-check
/** `npm run bench`: measures the production build under a simulated fleet (scripts/bench/main.ts; `--help` tells the options). */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './setup/prepare.mjs';
import { failWith } from './setup/problem.mjs';
import { run } from './setup/run.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  await prepare(ROOT, process.argv.includes('--help') ? 'install' : 'build-if-needed');
  process.exitCode = await run(
    process.execPath,
    ['--import', 'tsx', 'scripts/bench/main.ts', ...process.argv.slice(2)],
    {
      cwd: ROOT,
    },
  );
} catch (error) {
  failWith(error);
}
