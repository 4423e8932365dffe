// @ts-check
/** Finds the files that a running dashboard needs, from its programs and from Next's traces of its pages. */
import { nodeFileTrace } from '@vercel/nft';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { asObject } from '../setup/json.mjs';
import { SetupProblem } from '../setup/problem.mjs';

/** The programs of the image. The database driver is loaded by a computed name, which no trace can follow. */
const ENTRIES = [
  'dist/server.mjs',
  'dist/store-thread.mjs',
  'dist/cli.mjs',
  'node_modules/better-sqlite3/lib/index.js',
  'node_modules/next/dist/server/next.js',
];

/**
 * Files that the trace finds and production never loads: Next's development and build code, the image optimiser
 * (`images.unoptimized` in next.config.mjs), binaries of other systems. The container tests prove it.
 */
const NEVER_LOADED = [
  /\.d\.[cm]?ts$/,
  /\.map$/,
  /\.md$/,
  /^node_modules\/(?:sharp|@img|typescript|@swc\/core|caniuse-lite|baseline-browser-mapping)\//,
  /^node_modules\/react(?:-dom)?\/.*\.development\.js$/,
  /^node_modules\/next\/dist\/(?:docs|next-devtools)\//,
  /^node_modules\/next\/dist\/compiled\/(?:babel|babel-packages|@babel|next-devtools|@vercel\/og)\//,
  /^node_modules\/next\/dist\/compiled\/[^/]*-experimental\//,
  /^node_modules\/next\/dist\/compiled\/next-server\/.*(?:\.dev|-experimental\.runtime\.prod)\.js$/,
  /^node_modules\/next\/dist\/server\/capsize-font-metrics\.json$/,
  /^node_modules\/better-sqlite3\/(?:deps|src|prebuilds)\//,
];

/**
 * The files of `node_modules`, relative to `root`, that the server, the command line and the pages load.
 * @param {string} root with a finished build
 * @returns {Promise<string[]>} sorted
 */
export async function traceModules(root) {
  const traced = await nodeFileTrace(ENTRIES, { base: root, ignore: isNeverLoaded });
  const found = [...traced.fileList, ...tracedByNext(root)].filter(
    (file) => file.startsWith('node_modules/') && !isNeverLoaded(file) && isFile(join(root, file)),
  );
  return [...new Set([...found, ...lookedUpByNext(root), sqliteBinary(root)])].sort();
}

/** @param {string} file */
function isNeverLoaded(file) {
  return NEVER_LOADED.some((pattern) => pattern.test(file));
}

/**
 * The files that Next traced at build time, for its server and for each page.
 * @param {string} root
 * @returns {string[]}
 */
function tracedByNext(root) {
  const pages = readdirSync(join(root, '.next/server'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.nft.json'))
    .map((file) => join(root, '.next/server', file));
  return [join(root, '.next/next-server.js.nft.json'), ...pages].flatMap((path) => {
    /** @type {unknown} */
    const read = JSON.parse(readFileSync(path, 'utf8'));
    const files = asObject(read)?.['files'];
    if (!Array.isArray(files))
      throw new SetupProblem(`${path} does not list files: the format of Next's traces has changed.`);
    return files.map((file) => relative(root, resolve(dirname(path), String(file))));
  });
}

/**
 * Files that Next looks up but does not load when it reads its configuration: a list that no trace can follow.
 * @param {string} root
 * @returns {string[]}
 */
function lookedUpByNext(root) {
  const list = join(root, 'node_modules/next/dist/server/config-utils.js');
  const names = readFileSync(list, 'utf8').matchAll(/'(next\/dist\/compiled\/[^']+)'/g);
  const { resolve: find } = createRequire(list);
  return [...names].map(([, name = '']) => relative(root, find(name)));
}

/** The driver's binary for this system: the package contains one for each. @param {string} root */
function sqliteBinary(root) {
  const file = `node_modules/better-sqlite3/prebuilds/${process.platform}-${process.arch}.node`;
  if (!isFile(join(root, file))) throw new SetupProblem(`better-sqlite3 has no binary for this system: ${file}.`);
  return file;
}

/** @param {string} path */
function isFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
