// @ts-check
/**
 * `npm run agent`: runs the agent as systemd would (Restart=always, RestartSec=3). Options go to the agent and run it
 * once. NIXFLEET_RESTART_SEC sets the pause.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './setup/prepare.mjs';
import { failWith } from './setup/problem.mjs';

/** A wrong configuration does not get better by trying again. */
const EXIT_CONFIG = 78;
/** An agent that has not ended by then after SIGTERM is ended. */
const STOP_TIMEOUT_MS = 25_000;

const pauseMs = readPause(process.env['NIXFLEET_RESTART_SEC']);
const args = process.argv.slice(2);
const bundle = await makeBundle();

/** @type {import('node:child_process').ChildProcess | null} */
let agent = null;
/** Set by a signal: the agent is not started again. */
let ending = false;
const isEnding = () => ending;
/** @type {() => void} */
let wake = () => undefined;

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
  process.on(signal, () => {
    if (isEnding()) return;
    ending = true;
    wake();
    agent?.kill('SIGTERM');
    setTimeout(() => agent?.kill('SIGKILL'), STOP_TIMEOUT_MS).unref();
  });
}

for (;;) {
  agent = spawn(process.execPath, [bundle, ...args], { stdio: 'inherit' });
  /** @type {[number | null, string | null]} */
  const [code, signal] = await once(agent, 'exit').then(([status, name]) => [status, name]);
  agent = null;
  if (args.length > 0 || code === EXIT_CONFIG) process.exit(code ?? 1);
  if (isEnding()) process.exit(0);
  console.error(`The agent ended (${signal ?? code}); starting it again in ${pauseMs / 1000} s.`);
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, pauseMs);
    wake = () => {
      clearTimeout(timer);
      resolve(undefined);
    };
  });
  if (isEnding()) process.exit(0);
}

/**
 * @param {string | undefined} text
 * @returns {number} milliseconds
 */
function readPause(text) {
  if (text === undefined || text === '') return 3_000;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0 && seconds <= 3_600) return seconds * 1_000;
  console.error(`NIXFLEET_RESTART_SEC "${text}" is not a number of seconds: write 0 to 3600.`);
  process.exit(EXIT_CONFIG);
}

/** Installs what is missing and bundles the agent when it is out of date. Gives the bundle's path. */
async function makeBundle() {
  try {
    await prepare(dirname(dirname(fileURLToPath(import.meta.url))), 'install', console.error);
    // Not at the top: where nothing is installed yet, this file must still load.
    const { ensureAgent } = await import('./build-agent.mjs');
    return await ensureAgent();
  } catch (error) {
    failWith(error);
    process.exit();
  }
}
