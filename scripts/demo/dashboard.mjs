// @ts-check
/** The demo's dashboard: the production server with a temporary data folder. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { SERVER_COMMAND } from '../server-command.mjs';
import { SetupProblem } from '../setup/problem.mjs';
import { startNode } from './processes.mjs';

const ADDRESS = '127.0.0.1';
const FIRST_PORT = 8000;
const PORTS_TRIED = 100;
const START_TIMEOUT_MS = 60_000;
/** The dashboard stops within 10 s. */
const STOP_TIMEOUT_MS = 12_000;

/** @returns {Promise<number>} 8000, or the next port that is free on 127.0.0.1 */
export async function findPort() {
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS_TRIED; port++) {
    if (await isFree(port)) return port;
  }
  throw new SetupProblem(
    `No port from ${FIRST_PORT} to ${FIRST_PORT + PORTS_TRIED - 1} is free: end a program that listens on one of them.`,
  );
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
async function isFree(port) {
  const server = createServer();
  try {
    server.listen(port, ADDRESS);
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/**
 * Starts the dashboard and waits until it is ready. Throws a sentence with the dashboard's last lines when it fails.
 * @param {{ root: string, port: number, env: NodeJS.ProcessEnv, settings: Record<string, string>,
 *   signal: AbortSignal }} options `signal` ends the wait and the dashboard
 */
export async function startDemoDashboard({ root, port, env, settings, signal }) {
  /** @type {() => void} */
  let resolveReady = () => undefined;
  /** @type {Promise<'ready'>} */
  const ready = new Promise((resolve) => {
    resolveReady = () => resolve('ready');
  });
  const server = startNode(SERVER_COMMAND, {
    cwd: root,
    env: { ...env, ...settings, NODE_ENV: 'production', NIXFLEET_LISTEN: `${ADDRESS}:${port}` },
    onLine: (line) => {
      if (line.includes('NixFleet is ready at')) resolveReady();
    },
  });
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  /** @type {Promise<'late'>} */
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve('late'), START_TIMEOUT_MS);
  });
  const giveUp = () => void server.stop(0);
  signal.addEventListener('abort', giveUp, { once: true });
  const first = await Promise.race([ready, late, server.ended]);
  signal.removeEventListener('abort', giveUp);
  clearTimeout(timer);
  if (first !== 'ready') {
    await server.stop(0);
    throw new SetupProblem(`The dashboard did not start. Its last lines:\n${server.lastLines()}`);
  }
  return {
    address: `http://${ADDRESS}:${port}`,
    agentUrl: `ws://${ADDRESS}:${port}/ws`,
    ended: server.ended,
    lastLines: server.lastLines,
    stop: () => server.stop(STOP_TIMEOUT_MS),
  };
}
