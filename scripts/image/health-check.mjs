// @ts-check
/**
 * The image's HEALTHCHECK: exit code 0 if the dashboard in this container is healthy. With --agents it prints the number
 * of connected agents (nothing if the dashboard does not report it), for update.sh.
 */
import { fileURLToPath } from 'node:url';

const TIMEOUT_MS = 4_000;

/**
 * The health address, from NIXFLEET_LISTEN in the forms that the dashboard accepts (`:8000`, `127.0.0.1:8000`, `[::1]:8000`).
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
      const answer = await (await ask('/agents')).json();
      const count = typeof answer === 'object' && answer !== null && 'connected' in answer ? answer.connected : null;
      if (typeof count !== 'number') throw new Error('This dashboard does not report how many agents are connected.');
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
