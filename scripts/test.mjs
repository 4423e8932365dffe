// @ts-check
/**
 * `npm test`: every check there is, on a machine where nothing is set up yet. A failed step does not keep the others
 * from running. The last line is `N passed, N failed, N skipped`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureChromium } from './setup/chromium.mjs';
import { readJsonObject } from './setup/json.mjs';
import { ensureNix } from './setup/nix.mjs';
import { prepare } from './setup/prepare.mjs';
import { SetupProblem } from './setup/problem.mjs';
import { run, wasStopped } from './setup/run.mjs';
import { countPlaywright, countVitest, CRASHED, sum, summaryLine } from './setup/summary.mjs';

/** @typedef {import('./setup/summary.mjs').Counts} Counts */

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const NOTHING = { passed: 0, failed: 0, skipped: 0 };
/** Each tool chooses NODE_ENV itself: one that a shell was left with must not decide what is tested. @type {NodeJS.ProcessEnv} */
const ENVIRONMENT = { ...process.env };
Reflect.deleteProperty(ENVIRONMENT, 'NODE_ENV');
const reports = mkdtempSync(join(tmpdir(), 'nixfleet-test-'));
const progress = { stopped: false };

/**
 * Runs a program of the project's packages.
 * @param {string} name
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env]
 */
async function tool(name, args, env = {}) {
  const code = await run(join(ROOT, 'node_modules/.bin', name), args, { cwd: ROOT, env: { ...ENVIRONMENT, ...env } });
  progress.stopped ||= wasStopped(code);
  return code;
}

/**
 * @param {string} name
 * @param {readonly string[]} args
 * @returns {() => Promise<Counts>}
 */
function check(name, args) {
  return async () => ((await tool(name, args)) === 0 ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 });
}

async function unitTests() {
  await ensureNix(ROOT, console.log);
  const report = join(reports, 'vitest.json');
  const code = await tool('vitest', ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]);
  return countVitest(readJsonObject(report), code);
}

async function endToEndTests() {
  const chromium = await ensureChromium(ROOT, console.log);
  const report = join(reports, 'playwright.json');
  const env = { CHROMIUM_PATH: chromium, PLAYWRIGHT_JSON_OUTPUT_FILE: report };
  const code = await tool('playwright', ['test', '--reporter=line,json'], env);
  return countPlaywright(readJsonObject(report), code);
}

/**
 * @param {string} title
 * @param {() => Promise<Counts>} work
 * @returns {Promise<Counts>}
 */
async function step(title, work) {
  if (progress.stopped) return NOTHING;
  console.log(`\n== ${title}`);
  const startedAt = Date.now();
  let counts;
  try {
    counts = await work();
  } catch (error) {
    console.error(error instanceof SetupProblem ? error.message : error);
    counts = CRASHED;
  }
  const result = counts === NOTHING ? 'done' : summaryLine(counts);
  console.log(`-- ${title}: ${result} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
  return counts;
}

/** @param {'install' | 'build-if-needed'} target */
function setUp(target) {
  return async () => {
    await prepare(ROOT, target);
    return NOTHING;
  };
}

/** @returns {Promise<Counts[]>} */
async function everything() {
  const installed = await step('Set-up', setUp('install'));
  if (installed.failed > 0) return [installed];
  const checks = [
    await step('Types', check('tsc', ['--noEmit'])),
    await step('Lint', check('eslint', ['.', '--max-warnings', '0'])),
    await step('Format', check('prettier', ['--check', '.'])),
    await step('Unit and integration tests', unitTests),
  ];
  const built = await step('Production build', setUp('build-if-needed'));
  checks.push(built);
  if (built.failed > 0) console.log('\nThe end-to-end tests need the build, so they did not run.');
  else checks.push(await step('End-to-end tests', endToEndTests));
  return checks;
}

const total = sum(await everything());
rmSync(reports, { recursive: true, force: true });
if (progress.stopped) console.log('\nStopped before the end.');
if (total.failed > 0 || progress.stopped) process.exitCode = 1;
console.log(`\n${summaryLine(total)}`);
