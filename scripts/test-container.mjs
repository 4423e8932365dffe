// @ts-check
/**
 * `npm run test:container`: builds the image and runs the end-to-end tests against it, started by the compose files.
 * Further arguments go to Playwright. Where there is no container engine, every test counts as skipped. The last line
 * is `N passed, N failed, N skipped`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findEngine } from './container/engine.mjs';
import { ensureChromium } from './setup/chromium.mjs';
import { failureList, playwrightFailures } from './setup/failures.mjs';
import { readJsonObject } from './setup/json.mjs';
import { prepare } from './setup/prepare.mjs';
import { failWith, SetupProblem } from './setup/problem.mjs';
import { run, wasStopped } from './setup/run.mjs';
import { countPlaywright, summaryLine } from './setup/summary.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const IMAGE = 'nixfleet:test';
const reports = mkdtempSync(join(tmpdir(), 'nixfleet-test-'));

/** @returns {Promise<Record<string, string>>} environment variables for the tests */
async function containerEnvironment() {
  const engine = findEngine(ROOT);
  if ('missing' in engine) {
    console.log(`\nTHE CONTAINER TESTS ARE SKIPPED. ${engine.missing}\n`);
    // Nothing is started, so nothing has to be built.
    return { NIXFLEET_CONTAINER_SKIP: engine.missing, NIXFLEET_E2E_BUILT: '1' };
  }
  const { env } = engine;
  // The agent and the browser's driver come from this checkout; the dashboard is the image's.
  await prepare(ROOT, 'build-if-needed');
  console.log(`Building the image with ${env['CONTAINER_ENGINE']} …`);
  const code = await run(env['CONTAINER_ENGINE'] ?? '', ['build', '--tag', IMAGE, '.'], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  if (code !== 0) throw new SetupProblem('The image could not be built: the lines above say why.');
  return { ...env, NIXFLEET_IMAGE: IMAGE, CHROMIUM_PATH: await ensureChromium(ROOT, console.log) };
}

try {
  await prepare(ROOT, 'install');
  const containerEnv = await containerEnvironment();
  const report = join(reports, 'playwright.json');
  const args = ['test', '--config=playwright.container.config.ts', '--reporter=line,json', ...process.argv.slice(2)];
  const code = await run(join(ROOT, 'node_modules/.bin/playwright'), args, {
    cwd: ROOT,
    env: { ...process.env, ...containerEnv, PLAYWRIGHT_JSON_OUTPUT_FILE: report },
  });
  const result = readJsonObject(report);
  const counts = countPlaywright(result, code);
  const failures = playwrightFailures(result);
  if (failures.length > 0) console.log(failureList(failures));
  if (counts.failed > 0 || wasStopped(code)) process.exitCode = 1;
  console.log(`\n${summaryLine(counts)}`);
} catch (error) {
  failWith(error);
  console.log(`\n${summaryLine({ passed: 0, failed: 1, skipped: 0 })}`);
} finally {
  rmSync(reports, { recursive: true, force: true });
}
