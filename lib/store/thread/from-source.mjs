// @ts-check
/** Runs `store-thread.ts` from the source: a thread does not reliably inherit how the main thread loads TypeScript. */
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register({ tsconfig: fileURLToPath(new URL('../../../tsconfig.json', import.meta.url)) });
await import(new URL('./store-thread.ts', import.meta.url).href);
