// @ts-check
/** Bundles the agent into one file that needs nothing but Node. Run directly, or call `buildAgent` / `ensureAgent`. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Path of the bundle. */
export const AGENT_BUNDLE = join(ROOT, 'dist', 'agent.mjs');
/** The sources of the bundle. */
const SOURCES = [
  'agent',
  'lib/causes',
  'lib/git',
  'lib/hours',
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
 * Builds the agent and gives the path of the bundle. It is renamed into place when complete, so that
 * parallel builds and agents that start meanwhile never see half a file.
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
    // Optional native parts of ws: they would be the only files beside the bundle.
    external: ['bufferutil', 'utf-8-validate'],
    define: {
      __NIXFLEET_VERSION__: JSON.stringify(version),
      __NIXFLEET_SOURCE_COMMIT__: JSON.stringify(sourceCommit),
    },
    // ws is CommonJS and loads Node's modules with require().
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire as createRequireOfAgent } from 'node:module';\nconst require = createRequireOfAgent(import.meta.url);",
    },
    logLevel: 'warning',
  });
  renameSync(unfinished, outfile);
  return outfile;
}

/**
 * Gives the path of the bundle, rebuilt when it is missing or older than its sources.
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
 * @returns {number} the newest modification time in a file or folder, without tests; 0 when there is none
 */
function newest(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return path.endsWith('.test.ts') ? 0 : stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** @returns {string} the commit of the sources, or '' if unknown */
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
