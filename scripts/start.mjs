// @ts-check
/** `npm start`: installs and builds where that is needed, then serves. Needs Node, npm and git, nothing else. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './setup/prepare.mjs';
import { failWith } from './setup/problem.mjs';
import { run } from './setup/run.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  await prepare(ROOT, 'build-if-needed');
  process.exitCode = await run(process.execPath, ['dist/server.mjs', ...process.argv.slice(2)], {
    cwd: ROOT,
    env: { ...process.env, NODE_ENV: 'production' },
  });
} catch (error) {
  failWith(error);
}
