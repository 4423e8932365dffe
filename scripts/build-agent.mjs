// @ts-check
/** Bundles the agent into one file that needs nothing but Node. Run directly, or call `buildAgent` / `ensureAgent`. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Where the bundle is kept. */
export const AGENT_BUNDLE = join(ROOT, 'dist', 'agent.mjs');
/** What the bundle is made of. */
const SOURCES = [
  'agent',
  'lib/git',
  'lib/limits',
  'lib/outbox',
  'lib/protocol',
  'lib/text',
  'lib/timers',
  'package.json',
  'package-lock.json',
  'scripts/build-agent.mjs',
];

/**
 * Builds the agent and gives the path of the bundle. It appears under its name whole or not at all, so that builds
 * beside each other, and agents that start meanwhile, see a complete file.
 * @param {{ outfile?: string, sourceCommit?: string }} [options]
 * @returns {Promise<string>}
 */
export async function buildAgent({ outfile = AGENT_BUNDLE, sourceCommit = findSourceCommit() } = {}) {
  const { build } = await import('esbuild');
  /** @type {unknown} */
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest && typeof manifest.version === 'string'
      ? manifest.version
      : 'dev';
  mkdirSync(dirname(outfile), { recursive: true });
  const unfinished = `${outfile}.${process.pid}.${Date.now()}.tmp`;
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['agent/main.ts'],
    outfile: unfinished,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    legalComments: 'inline',
    // ws asks for these natives, which it works without; they would be the only files beside this one.
    external: ['bufferutil', 'utf-8-validate'],
    define: {
      __NIXFLEET_VERSION__: JSON.stringify(version),
      __NIXFLEET_SOURCE_COMMIT__: JSON.stringify(sourceCommit),
    },
    // ws is CommonJS and asks for node's own modules by require().
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire as createRequireOfAgent } from 'node:module';\nconst require = createRequireOfAgent(import.meta.url);",
    },
    logLevel: 'warning',
  });
  renameSync(unfinished, outfile);
  return outfile;
}

/**
 * Gives the bundle, built anew when it is missing or older than its sources.
 * @returns {Promise<string>}
 */
export async function ensureAgent() {
  if (existsSync(AGENT_BUNDLE)) {
    const built = statSync(AGENT_BUNDLE).mtimeMs;
    if (SOURCES.every((source) => newest(join(ROOT, source)) <= built)) return AGENT_BUNDLE;
  }
  return buildAgent();
}

/**
 * @param {string} path
 * @returns {number} the newest time of change in a file or folder, tests left aside; 0 when there is none
 */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return path.endsWith('.test.ts') ? 0 : stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** @returns {string} the commit of the sources, or '' where it is not known */
function findSourceCommit() {
  const given = process.env['NIXFLEET_SOURCE_COMMIT'];
  if (given !== undefined && given !== '') return given;
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await buildAgent());
