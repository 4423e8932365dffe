/** `--check`: is this configuration good, does the dashboard answer, and does it take the token? */
import { WebSocket } from 'ws';
import type { AgentConfig } from './config';
import { HANDSHAKE_TIMEOUT_MS } from './connection';
import { splitRepositoryAddress } from './redact';

const HEALTH_TIMEOUT_MS = 10_000;

/** Writes what it finds line by line; true when an agent with this configuration would come in. */
export async function checkConfiguration(config: AgentConfig, write: (line: string) => void): Promise<boolean> {
  const shown: [string, string][] = [
    ['dashboard', config.url],
    ['token', `set (${config.token.length} characters)`],
    ['host', `${config.hostname} (${config.hostType})`],
    ['repository', splitRepositoryAddress(config.repoUrl).url || 'none: a checkout that you keep'],
    ['folder', config.repoDir],
    ['branch', config.branch],
    ['SSH key', config.sshKey || 'none'],
    ['heartbeat', `every ${config.intervalS} s`],
    ['location', config.location],
    ['device', config.deviceType],
    ['state', config.stateDir],
    ['log level', config.logLevel],
  ];
  for (const [name, value] of shown) write(`${name.padEnd(12)} ${value}`);
  const health = await checkHealth(config.url);
  write(`${'health'.padEnd(12)} ${health.text}`);
  const socket = await checkSocket(config);
  write(`${'socket'.padEnd(12)} ${socket.text}`);
  return health.ok && socket.ok;
}

interface Finding {
  ok: boolean;
  text: string;
}

/** The address of the dashboard's health page: beside the agents' socket, over HTTP. */
export function healthAddress(socketUrl: string): string {
  const url = new URL(socketUrl);
  url.protocol = url.protocol === 'ws:' ? 'http:' : 'https:';
  url.pathname = `${url.pathname.replace(/\/ws(\/agent)?\/?$/, '').replace(/\/$/, '')}/health`;
  url.search = '';
  return url.href;
}

async function checkHealth(socketUrl: string): Promise<Finding> {
  const address = healthAddress(socketUrl);
  try {
    const answer = await fetch(address, { redirect: 'manual', signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    await answer.body?.cancel();
    if (answer.ok) return { ok: true, text: `${address} answers ${answer.status}` };
    const where = answer.headers.get('location');
    return {
      ok: false,
      text: `${address} answers ${answer.status}${where === null ? '' : `, a redirect to ${where}: use that address in NIXFLEET_URL`}`,
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return {
      ok: false,
      text: `${address} can't be reached (${cause instanceof Error ? cause.message : 'unknown reason'})`,
    };
  }
}

function checkSocket(config: AgentConfig): Promise<Finding> {
  return new Promise((resolve) => {
    const socket = new WebSocket(config.url, {
      headers: { Authorization: `Bearer ${config.token}` },
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    socket.on('open', () => {
      resolve({ ok: true, text: 'opened: the dashboard takes the token' });
      socket.close(1000, 'check');
    });
    socket.on('unexpected-response', (_request, response) => {
      const status = response.statusCode ?? 0;
      resolve({
        ok: false,
        text:
          status === 401
            ? 'the dashboard refuses the token (401): compare NIXFLEET_TOKEN with the one that it was given'
            : `the dashboard answers ${status} instead of opening the socket: is the path of NIXFLEET_URL /ws?`,
      });
      socket.terminate();
    });
    socket.on('error', (error) => resolve({ ok: false, text: `can't be opened (${error.message})` }));
  });
}
