// @ts-check
/**
 * The image's HEALTHCHECK: asks the dashboard in this container whether it lives; exit code 0 when it does. With
 * --agents it prints how many agents are connected (nothing when the dashboard does not tell), for update.sh.
 */
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

/** @param {string} path */
async function ask(path) {
  const address = `${healthAddress(process.env['NIXFLEET_LISTEN'])}${path}`;
  return fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    if (process.argv[2] === '--agents') {
      /** @type {unknown} */
      const told = await (await ask('/agents')).json();
      const count = typeof told === 'object' && told !== null && 'connected' in told ? told.connected : null;
      if (typeof count !== 'number') throw new Error('This dashboard does not tell how many agents are connected.');
      console.log(count);
    } else {
      const answer = await ask('');
      console.log(await answer.text());
      process.exitCode = answer.ok ? 0 : 1;
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
