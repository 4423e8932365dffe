// @ts-check
/** Runs patterns on texts in a separate thread, which can be ended when one of them takes too long. */
import { parentPort } from 'node:worker_threads';

/**
 * @typedef {{ index: number, source: string, flags: string, texts: readonly string[] }} Task
 */

parentPort?.on('message', (/** @type {Task} */ { index, source, flags, texts }) => {
  const pattern = new RegExp(source, flags);
  for (const text of texts) run(pattern, text);
  parentPort?.postMessage(index);
});

/**
 * As the sources use it: a global pattern finds all its matches, a sticky one is tried wherever the last one ended.
 * @param {RegExp} pattern
 * @param {string} text
 */
function run(pattern, text) {
  if (!pattern.sticky) {
    text.replace(pattern, '');
    return;
  }
  for (let at = 0; at < text.length;) {
    pattern.lastIndex = at;
    at += pattern.exec(text)?.[0].length || 1;
  }
}
