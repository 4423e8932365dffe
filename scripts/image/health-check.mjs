// @ts-check
/** The image's HEALTHCHECK: asks the dashboard in this container whether it lives. Exit code 0 when it does. */
import { fileURLToPath } from 'node:url';

const TIMEOUT_MS = 4_000;

/**
 * Where the dashboard listens, from NIXFLEET_LISTEN as it understands it (`:8000`, `127.0.0.1:8000`, `[::1]:8000`).
 * @param {string | undefined} listen
 */
export function healthAddress(listen) {
  const [, host = '', port = '8000'] = /^(.*):(\d+)$/.exec(listen?.trim() ?? '') ?? [];
  const anywhere = host === '' || host === '0.0.0.0' || host === '[::]';
  return `http://${anywhere ? '127.0.0.1' : host}:${port}/health`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const answer = await fetch(healthAddress(process.env['NIXFLEET_LISTEN']), {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    console.log(await answer.text());
    process.exitCode = answer.ok ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
