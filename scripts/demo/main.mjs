// @ts-check
/**
 * `npm run demo`: the dashboard with six real agents, a repository that gets new commits, and fake Nix programs.
 * Everything is in one temporary folder, which is removed at the end. `fake-nix/main.mjs` documents the variables
 * NIXFLEET_DEMO_SPEED, _LINES, _FAILS, _FAILED_UNITS, _HOLD and _HOLD_ACTIVATION.
 */
import { prepare } from '../setup/prepare.mjs';
import { failWith } from '../setup/problem.mjs';
import { cleanEnvironment } from './environment.mjs';
import { readOptions } from './fake-nix/options.mjs';
import { runDemo } from './run.mjs';

const PARENT_CHECK_INTERVAL_MS = 500;

/**
 * Runs the demo until a signal, and ends the process.
 * @param {string} root
 */
export async function main(root) {
  const stopping = new AbortController();
  try {
    readOptions(process.env);
    const { env, dropped } = cleanEnvironment(process.env);
    if (dropped.length > 0) {
      console.log(`The demo ignores the settings of your installation: ${dropped.join(', ')}.`);
    }
    await prepare(root, 'build-if-needed');
    // Not earlier: until here there is nothing to clean up, and a signal may end the set-up as usual.
    const stop = () => stopping.abort();
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, stop);
    // Writing to a closed terminal or pipe fails: nobody is watching any more.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', stop);
    if (process.env['npm_lifecycle_event'] !== undefined) watchParent(stop);
    await runDemo(root, env, stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) failWith(error);
  }
  // Everything that the demo started has ended: nothing that keeps the process open matters.
  process.exit();
}

/**
 * SIGTERM to npm ends the shell between npm and this process, which gets no signal itself.
 * @param {() => void} onGone
 */
function watchParent(onGone) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) onGone();
  }, PARENT_CHECK_INTERVAL_MS).unref();
}
