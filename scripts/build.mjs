// @ts-check
/** `npm run build`: the production build, whether it is out of date or not. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './setup/prepare.mjs';
import { failWith } from './setup/problem.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  await prepare(ROOT, 'build');
} catch (error) {
  failWith(error);
}
