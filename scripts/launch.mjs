// @ts-check
/**
 * `node scripts/launch.mjs NAME [ARGUMENTS]`: installs and builds what a program needs, then runs it. The npm scripts
 * call it. Needs Node, npm and git, nothing else: no package may be imported before `prepare` has installed it.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SERVER_COMMAND } from './server-command.mjs';
import { prepare } from './setup/prepare.mjs';
import { failWith } from './setup/problem.mjs';
import { run } from './setup/run.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const EXIT_USAGE = 2;
const TSX = ['--import', 'tsx'];

/**
 * @typedef {object} Program
 * @property {'install' | 'build-if-needed' | 'build'} prepare what must be ready before it runs
 * @property {readonly string[]} [command] arguments of Node; absent where preparing is all
 * @property {Record<string, string>} [env] added to the environment
 * @property {boolean} [readsInput] it reads standard input; the others get none
 * @property {boolean} [quiet] its output may go into a file: what `prepare` says goes to standard error
 * @property {boolean} [helpNeedsNoBuild] `--help` only needs the packages
 */

/** @type {Readonly<Record<string, Program>>} */
const PROGRAMS = {
  /** Serves the production build. */
  start: { prepare: 'build-if-needed', command: SERVER_COMMAND, env: { NODE_ENV: 'production' } },
  /** Serves the sources. Pages change while it runs; `lib` and `server.ts` need a restart. */
  dev: {
    prepare: 'install',
    command: [...TSX, 'server.ts'],
    env: { NODE_ENV: 'development', NEXT_TELEMETRY_DISABLED: '1' },
  },
  /** Makes the production build even if it is up to date. */
  build: { prepare: 'build' },
  /** The `nixfleet` program from a checkout. */
  nixfleet: { prepare: 'install', command: [...TSX, 'cli/main.ts'], readsInput: true, quiet: true },
  /** Connects a simulated fleet to a dashboard. */
  simulate: { prepare: 'install', command: [...TSX, 'simulator/main.ts'] },
  /** Measures the production build under a simulated fleet. */
  bench: { prepare: 'build-if-needed', command: [...TSX, 'scripts/bench/main.ts'], helpNeedsNoBuild: true },
  /** Kills the dashboard under load and checks what it kept. */
  crash: { prepare: 'build-if-needed', command: [...TSX, 'scripts/crash/main.ts'] },
  /** Changes important lines one at a time, and checks that a test notices each change. */
  mutants: { prepare: 'install', command: [...TSX, 'scripts/mutants/main.ts'] },
  /** Takes the README's pictures (docs/images/). Needs Chromium, as the end-to-end tests do. */
  screenshots: { prepare: 'build-if-needed', command: [...TSX, 'scripts/screenshots/main.ts'] },
};

/** Programs that run inside this process, because they start and stop others. They prepare the folder themselves. */
const SUPERVISORS = {
  agent: () => import('./agent/main.mjs'),
  demo: () => import('./demo/main.mjs'),
};

const [name = '', ...args] = process.argv.slice(2);
try {
  await launch();
} catch (error) {
  failWith(error);
}

async function launch() {
  if (name === 'agent' || name === 'demo') {
    const { main } = await SUPERVISORS[name]();
    await main(ROOT, args);
    return;
  }
  const program = Object.hasOwn(PROGRAMS, name) ? PROGRAMS[name] : undefined;
  if (program === undefined) {
    const names = [...Object.keys(PROGRAMS), ...Object.keys(SUPERVISORS)].sort();
    console.error(`Usage: node scripts/launch.mjs NAME [ARGUMENTS]\nNAME is one of: ${names.join(', ')}.`);
    process.exitCode = EXIT_USAGE;
    return;
  }
  const target = program.helpNeedsNoBuild && args.includes('--help') ? 'install' : program.prepare;
  await prepare(ROOT, target, program.quiet ? console.error : console.log);
  if (program.command === undefined) return;
  process.exitCode = await run(process.execPath, [...program.command, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...program.env },
    readsInput: program.readsInput ?? false,
  });
}
