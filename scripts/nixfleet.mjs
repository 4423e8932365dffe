// @ts-check
/** `npm run nixfleet -- COMMAND`: the `nixfleet` program from a checkout (cli/main.ts; `--help` tells the commands). */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './setup/prepare.mjs';
import { failWith } from './setup/problem.mjs';
import { run } from './setup/run.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  // What is installed first is told beside the answer: the answer may go into a file.
  await prepare(ROOT, 'install', console.error);
  process.exitCode = await run(process.execPath, ['--import', 'tsx', 'cli/main.ts', ...process.argv.slice(2)], {
    cwd: ROOT,
    readsInput: true,
  });
} catch (error) {
  failWith(error);
}
