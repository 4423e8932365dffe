// @ts-check
/** `npm run simulate`: connects a simulated fleet to a dashboard (simulator/main.ts; `--help` tells the options). */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './setup/prepare.mjs';
import { failWith } from './setup/problem.mjs';
import { run } from './setup/run.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  await prepare(ROOT, 'install');
  process.exitCode = await run(process.execPath, ['--import', 'tsx', 'simulator/main.ts', ...process.argv.slice(2)], {
    cwd: ROOT,
  });
} catch (error) {
  failWith(error);
}
