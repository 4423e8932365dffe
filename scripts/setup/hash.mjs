// @ts-check
/** Hashes of files: a start compares them to find what is out of date. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Files that no build depends on. */
const LEFT_ASIDE = /^(node_modules|\.DS_Store|.*\.test\.tsx?)$/;

/**
 * SHA-256 over the names and contents of files and whole folders, in hex. A missing path is part of the hash, so
 * creating it changes the hash.
 * @param {string} root
 * @param {readonly string[]} paths relative to `root`
 */
export function hashSources(root, paths) {
  const hash = createHash('sha256');
  for (const path of [...paths].sort()) addTo(hash, root, path);
  return hash.digest('hex');
}

/**
 * @param {string} root
 * @param {string} path
 */
export function hashFile(root, path) {
  return createHash('sha256')
    .update(readFileSync(join(root, path)))
    .digest('hex');
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} root
 * @param {string} path
 */
function addTo(hash, root, path) {
  const full = join(root, path);
  const stat = statSync(full, { throwIfNoEntry: false });
  if (stat === undefined) {
    hash.update(`missing\0${path}\0`);
    return;
  }
  if (!stat.isDirectory()) {
    const content = readFileSync(full);
    // The length comes first, so that no content can be read as the next file's name.
    hash.update(`file\0${path}\0${content.length}\0`).update(content);
    return;
  }
  const entries = readdirSync(full, { withFileTypes: true }).filter(({ name }) => !LEFT_ASIDE.test(name));
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const inner = `${path}/${entry.name}`;
    // A link is hashed by its target's path: following it could loop.
    if (entry.isSymbolicLink()) hash.update(`link\0${inner}\0${readlinkSync(join(root, inner))}\0`);
    else if (entry.isDirectory() || entry.isFile()) addTo(hash, root, inner);
  }
}
