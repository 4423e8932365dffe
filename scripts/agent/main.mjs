// @ts-check
/**
 * `npm run agent`: runs the agent as systemd would (Restart=always, RestartSec=3). Options are passed to the agent,
 * which then runs once. NIXFLEET_RESTART_SEC sets the pause before a restart.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { prepare } from '../setup/prepare.mjs';

/** A wrong configuration stays wrong when it is tried again. */
const EXIT_CONFIG = 78;
/** After this time an agent that ignores SIGTERM gets SIGKILL. */
const STOP_TIMEOUT_MS = 25_000;
const DEFAULT_PAUSE_MS = 3_000;
const MAX_PAUSE_S = 3_600;

/**
 * Installs what is missing, bundles the agent when it is out of date, and runs it until a signal ends it. Ends the
 * process.
 * @param {string} root
 * @param {readonly string[]} args
 */
export async function main(root, args) {
  const pauseMs = readPause(process.env['NIXFLEET_RESTART_SEC']);
  await prepare(root, 'install', console.error);
  // Not at the top: the packages that it imports may not have been installed then.
  const { ensureAgent } = await import('../build-agent.mjs');
  const bundle = await ensureAgent();
  await supervise(bundle, args, pauseMs);
}

/**
 * @param {string} bundle
 * @param {readonly string[]} args
 * @param {number} pauseMs
 */
async function supervise(bundle, args, pauseMs) {
  /** @type {import('node:child_process').ChildProcess | null} */
  let agent = null;
  /** Set by a signal: the agent is not started again. */
  let stopping = false;
  const isStopping = () => stopping;
  /** @type {() => void} */
  let wake = () => undefined;

  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      if (isStopping()) return;
      stopping = true;
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
    if (isStopping()) process.exit(0);
    console.error(`The agent ended (${signal ?? code}). It starts again in ${pauseMs / 1000} s.`);
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
    if (isStopping()) process.exit(0);
  }
}

/**
 * @param {string | undefined} text
 * @returns {number} milliseconds
 */
function readPause(text) {
  if (text === undefined || text === '') return DEFAULT_PAUSE_MS;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds >= 0 && seconds <= MAX_PAUSE_S) return seconds * 1_000;
  console.error(`NIXFLEET_RESTART_SEC "${text}" is not a number of seconds: write 0 to ${MAX_PAUSE_S}.`);
  process.exit(EXIT_CONFIG);
}
