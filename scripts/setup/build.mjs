// @ts-check
/**
 * The production build: Next's pages, and the server, its database threads, the agent and the `nixfleet` program in one
 * file each. Built only when out of date.
 */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hashSources } from './hash.mjs';
import { readJsonObject, writeJson } from './json.mjs';
import { SetupProblem } from './problem.mjs';
import { run, wasStopped } from './run.mjs';

const STAMP = 'dist/.build-stamp.json';
const PRODUCTS = ['dist/server.mjs', 'dist/store-thread.mjs', 'dist/cli.mjs', 'dist/agent.mjs', '.next/BUILD_ID'];
const SOURCES = [
  'package-lock.json',
  'package.json',
  'app',
  'lib',
  'agent',
  'simulator',
  'drizzle',
  'cli',
  'public',
  'server.ts',
  'proxy.ts',
  'next.config.mjs',
  'postcss.config.mjs',
  'tsconfig.json',
  'scripts/build-agent.mjs',
  'scripts/setup/build.mjs',
];

/** @param {string} root */
export function buildKey(root) {
  return hashSources(root, SOURCES);
}

/**
 * @param {string} root
 * @returns {boolean} true when every product of a build exists and was built from these sources
 */
export function isBuilt(root) {
  const stamp = readJsonObject(join(root, STAMP));
  if (stamp === null || stamp['sources'] !== buildKey(root)) return false;
  return PRODUCTS.every((path) => statSync(join(root, path), { throwIfNoEntry: false })?.isFile() === true);
}

/**
 * Builds everything. Throws a problem when it fails, after the compiler's output.
 * @param {string} root
 * @param {(line: string) => void} say
 */
export async function build(root, say) {
  // The hash of the sources before the build: changes during it are built next time.
  const sources = buildKey(root);
  rmSync(join(root, STAMP), { force: true });

  say('Building the pages …');
  const env = { ...process.env, NODE_ENV: /** @type {const} */ ('production'), NEXT_TELEMETRY_DISABLED: '1' };
  const code = await run(process.execPath, [join(root, 'node_modules/next/dist/bin/next'), 'build'], {
    cwd: root,
    env,
  });
  if (code !== 0) {
    throw new SetupProblem(wasStopped(code) ? 'The build was stopped.' : 'The build failed; see the lines above.');
  }

  say('Building the server, the agent and the commands …');
  // Imported here, not at the top: this file must load before anything is installed.
  const esbuild = await import('esbuild');
  /** @type {import('esbuild').BuildOptions} */
  const common = {
    absWorkingDir: root,
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  };
  await Promise.all([
    esbuild.build({
      ...common,
      entryPoints: { server: 'server.ts', cli: 'cli/main.ts' },
      packages: 'external',
      sourcemap: true,
    }),
    // The program of the database's threads (lib/store/thread/start-worker.ts). Each thread loads all of it again: small
    // and in one file, it takes half the time and three quarters of the memory. Native code can't be bundled.
    esbuild.build({
      ...common,
      entryPoints: { 'store-thread': 'lib/store/thread/store-thread.ts' },
      external: ['better-sqlite3', 'better-sqlite3-node20'],
      minify: true,
      keepNames: true,
      legalComments: 'inline',
    }),
  ]).catch(() => {
    throw new SetupProblem('The build of the server and the commands failed; see the lines above.');
  });
  const { buildAgent } = await import('../build-agent.mjs');
  await buildAgent();
  // Its service process would live as long as the server that is started next.
  await esbuild.stop();
  writeJson(join(root, STAMP), { sources });
}

/**
 * @param {string} root
 * @param {(line: string) => void} say
 */
export async function ensureBuilt(root, say) {
  if (!isBuilt(root)) await build(root, say);
}
