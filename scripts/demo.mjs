// @ts-check
/**
 * `npm run demo`: the dashboard with six real agents, a repository that gets new commits, and stand-ins for the programs
 * of Nix. Everything is in one temporary folder, which goes when it ends. NIXFLEET_DEMO_SPEED, _LINES, _FAILS and _HOLD
 * are heeded as `demo/stand-in/main.mjs` says.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnvironment } from './demo/environment.mjs';
import { runDemo } from './demo/run.mjs';
import { readOptions } from './demo/stand-in/options.mjs';
import { prepare } from './setup/prepare.mjs';
import { failWith } from './setup/problem.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const PARENT_LOOK_INTERVAL_MS = 500;

const stopping = new AbortController();

try {
  readOptions(process.env);
  const { env, dropped } = cleanEnvironment(process.env);
  if (dropped.length > 0) {
    console.log(`The demonstration leaves the settings of your installation aside: ${dropped.join(', ')}.`);
  }
  await prepare(ROOT, 'build-if-needed');
  // Not before: until here there is nothing to clean up, and a set-up ends by a signal as it always does.
  const stop = () => stopping.abort();
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, stop);
  // A terminal or a pipe that went away can't be written to; nobody watches any more.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', stop);
  if (process.env['npm_lifecycle_event'] !== undefined) watchParent(stop);
  await runDemo(ROOT, env, stopping.signal);
} catch (error) {
  if (!stopping.signal.aborted) failWith(error);
}
// Whatever still holds the process open is of no use any more: all that it started has ended.
process.exit();

/**
 * SIGTERM to npm ends the shell between npm and this process, which is told nothing of it.
 * @param {() => void} onGone
 */
function watchParent(onGone) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) onGone();
  }, PARENT_LOOK_INTERVAL_MS).unref();
}
