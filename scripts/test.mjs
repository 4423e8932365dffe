// @ts-check
/**
 * `npm test`: runs every check, also on a machine where nothing is set up. A failed step does not stop the others;
 * output of concurrent steps is printed when they end. What failed is repeated at the end; the last line is
 * `N passed, N failed, N skipped`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { ensureChromium } from './setup/chromium.mjs';
import { readJsonObject } from './setup/json.mjs';
import { failureList, playwrightFailures, vitestFailures } from './setup/failures.mjs';
import { ensureNix } from './setup/nix.mjs';
import { prepare } from './setup/prepare.mjs';
import { SetupProblem } from './setup/problem.mjs';
import { run, wasStopped } from './setup/run.mjs';
import { countPlaywright, countVitest, CRASHED, sum, summaryLine } from './setup/summary.mjs';

/** @typedef {import('./setup/summary.mjs').Counts} Counts */

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const NOTHING = { passed: 0, failed: 0, skipped: 0 };
/** Each tool sets NODE_ENV; a value from the shell must not decide what is tested. @type {NodeJS.ProcessEnv} */
const ENVIRONMENT = { ...process.env };
Reflect.deleteProperty(ENVIRONMENT, 'NODE_ENV');
const reports = mkdtempSync(join(tmpdir(), 'nixfleet-test-'));
const progress = { stopped: false };
/** @type {import('./setup/failures.mjs').Failure[]} */
const failures = [];

/** Where a step writes: straight to the terminal, or into the block that is printed when the step has ended. */
class Output {
  /** Null while nothing is kept back. @type {string[] | null} */
  #kept;

  /** @param {boolean} isBlock */
  constructor(isBlock) {
    this.#kept = isBlock ? [] : null;
  }

  /** Takes what a program writes; without it, programs write to the terminal. */
  get onText() {
    const kept = this.#kept;
    return kept === null ? undefined : (/** @type {string} */ text) => void kept.push(text);
  }

  say = (/** @type {string} */ line) => {
    if (this.#kept === null) console.log(line);
    else this.#kept.push(`${line}\n`);
  };

  print() {
    if (this.#kept !== null) process.stdout.write(this.#kept.join(''));
  }
}

/**
 * Runs a program of the project's packages.
 * @param {Output} output
 * @param {string} name
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env]
 */
async function tool(output, name, args, env = {}) {
  const { onText } = output;
  // A program sees no terminal where its output is kept; its colours are for the one that gets the block.
  const colours = onText && process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const options = { cwd: ROOT, env: { ...ENVIRONMENT, ...colours, ...env }, onText };
  const code = await run(join(ROOT, 'node_modules/.bin', name), args, options);
  progress.stopped ||= wasStopped(code);
  return code;
}

/**
 * @param {string} name
 * @param {readonly string[]} args
 * @returns {(output: Output) => Promise<Counts>}
 */
function check(name, args) {
  return async (output) => {
    if ((await tool(output, name, args)) === 0) return { ...NOTHING, passed: 1 };
    failures.push({ name: [name, ...args].join(' '), reason: 'Its output stands above.' });
    return { ...NOTHING, failed: 1 };
  };
}

/** @param {Output} output */
async function unitTests(output) {
  const report = join(reports, 'vitest.json');
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const code = await tool(output, 'vitest', args);
  const result = readJsonObject(report);
  failures.push(...vitestFailures(result, ROOT));
  return countVitest(result, code);
}

/**
 * @param {Promise<string>} browser
 * @returns {(output: Output) => Promise<Counts>}
 */
const endToEndTests = (browser) => async (output) => {
  const chromium = await browser;
  const report = join(reports, 'playwright.json');
  // The build was made right before.
  const env = { CHROMIUM_PATH: chromium, PLAYWRIGHT_JSON_OUTPUT_FILE: report, NIXFLEET_E2E_BUILT: '1' };
  const code = await tool(output, 'playwright', ['test', '--reporter=line,json'], env);
  const result = readJsonObject(report);
  failures.push(...playwrightFailures(result));
  return countPlaywright(result, code);
};

/**
 * @param {string} title
 * @param {(output: Output) => Promise<Counts>} work
 * @param {boolean} [isBlock] other steps run beside it: it is shown when it has ended
 * @returns {Promise<Counts>}
 */
async function step(title, work, isBlock = false) {
  if (progress.stopped) return NOTHING;
  const output = new Output(isBlock);
  console.log(isBlock ? `… ${title}` : `\n== ${title}`);
  const startedAt = Date.now();
  let counts;
  try {
    counts = await work(output);
  } catch (error) {
    output.say(error instanceof SetupProblem ? error.message : inspect(error));
    counts = CRASHED;
  }
  if (isBlock) console.log(`\n== ${title}`);
  output.print();
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

/**
 * Finds or installs what the tests need of the system: gives the path of Chromium. One after the other, as apt has it.
 * @returns {Promise<string>}
 */
async function systemPrograms() {
  await ensureNix(ROOT, console.log);
  return ensureChromium(ROOT, console.log);
}

/** One after the other, in one separate thread. */
async function staticChecks() {
  return [
    await step('Types', check('tsc', ['--noEmit']), true),
    await step('Lint', check('eslint', ['.', '--max-warnings', '0']), true),
    await step('Format', check('prettier', ['--check', '.']), true),
  ];
}

/** @returns {Promise<Counts[]>} */
async function everything() {
  // While npm installs: both wait for the network. Without Chromium, the end-to-end tests say what to do.
  const browser = systemPrograms();
  const installed = await step('Set-up', async () => {
    const [counts] = await Promise.all([setUp('install')(), browser.catch(() => undefined)]);
    return counts;
  });
  if (installed.failed > 0) return [installed];
  console.log('');
  const [checks, units] = await Promise.all([staticChecks(), step('Unit and integration tests', unitTests, true)]);
  // After those: the build writes files that they read.
  const built = await step('Production build', setUp('build-if-needed'));
  if (built.failed > 0) {
    console.log('\nThe end-to-end tests need the build, so they did not run.');
    return [...checks, units, built];
  }
  return [...checks, units, built, await step('End-to-end tests', endToEndTests(browser))];
}

const total = sum(await everything());
rmSync(reports, { recursive: true, force: true });
if (failures.length > 0) console.log(failureList(failures));
if (progress.stopped) console.log('\nStopped before the end.');
if (total.failed > 0 || progress.stopped) process.exitCode = 1;
console.log(`\n${summaryLine(total)}`);
