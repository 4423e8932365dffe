// @ts-check
/** `npm run dev`: serves from the sources; pages change while it runs, `lib` and `server.ts` after a new start. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './setup/prepare.mjs';
import { failWith } from './setup/problem.mjs';
import { run } from './setup/run.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  await prepare(ROOT, 'install');
  process.exitCode = await run(process.execPath, ['--import', 'tsx', 'server.ts', ...process.argv.slice(2)], {
    cwd: ROOT,
    env: { ...process.env, NODE_ENV: 'development', NEXT_TELEMETRY_DISABLED: '1' },
  });
} catch (error) {
  failWith(error);
}
