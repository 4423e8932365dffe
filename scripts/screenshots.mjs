// @ts-check
/**
 * `node scripts/screenshots.mjs`: takes the pictures of the README, `docs/images/fleet-{dark,light}.png`, of the
 * production build with a fleet of scripted agents. Needs Chromium, as the end-to-end tests do.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './setup/prepare.mjs';
import { failWith } from './setup/problem.mjs';
import { run } from './setup/run.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  await prepare(ROOT, 'build-if-needed');
  process.exitCode = await run(process.execPath, ['--import', 'tsx', 'scripts/screenshots/main.ts'], { cwd: ROOT });
} catch (error) {
  failWith(error);
}
