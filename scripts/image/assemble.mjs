// @ts-check
/**
 * `node scripts/image/assemble.mjs FOLDER`: builds, and writes the content of the container image to FOLDER, which must not
 * exist. The Dockerfile runs it; it works outside of a container too.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBuilt } from '../setup/build.mjs';
import { failWith, SetupProblem } from '../setup/problem.mjs';
import { traceModules } from './trace.mjs';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** Parts of the build and the sources, besides the traced packages. Missing ones (`public`) are skipped. */
const PARTS = [
  'VERSION',
  'package.json',
  'next.config.mjs',
  'drizzle',
  'public',
  'dist/server.mjs',
  'dist/store-thread.mjs',
  'dist/cli.mjs',
  '.next',
];
/** Parts of `.next` that are not served: build caches and traces, and source maps. */
const NOT_SERVED =
  /^\.next\/(?:cache|build|dev|diagnostics|types|turbopack|trace|trace-build)(?:\/|$)|\.map$|\.nft\.json$/;

/** @param {string} target */
async function assemble(target) {
  if (existsSync(target)) throw new SetupProblem(`${target} exists already: name a folder that does not exist.`);
  await ensureBuilt(ROOT, console.log);
  const modules = await traceModules(ROOT);
  for (const file of modules) {
    const to = join(target, file);
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(join(ROOT, file), to);
  }
  for (const part of PARTS.filter((name) => existsSync(join(ROOT, name)))) {
    cpSync(join(ROOT, part), join(target, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !NOT_SERVED.test(relative(ROOT, source)),
    });
  }
  console.log(`${target} contains the dashboard and ${modules.length} files of its packages.`);
}

try {
  const [target, ...more] = process.argv.slice(2);
  if (target === undefined || more.length > 0) {
    throw new SetupProblem('Usage: node scripts/image/assemble.mjs FOLDER');
  }
  await assemble(resolve(target));
} catch (error) {
  failWith(error);
}
