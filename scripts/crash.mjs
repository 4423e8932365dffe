// @ts-check
/** `npm run test:crash`: see scripts/crash/main.ts. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './setup/prepare.mjs';
import { failWith } from './setup/problem.mjs';
import { run } from './setup/run.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  await prepare(ROOT, 'build-if-needed');
  process.exitCode = await run(
    process.execPath,
    ['--import', 'tsx', 'scripts/crash/main.ts', ...process.argv.slice(2)],
    { cwd: ROOT },
  );
} catch (error) {
  failWith(error);
}
