import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpServer } from './http';
import { trustedProxies } from './forwarded-address';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
let close = (): Promise<void> => Promise.resolve();
afterEach(() => close());

async function start(): Promise<string> {
  const server = createHttpServer({
    handle: (_request, response) => {
      response.writeHead(404).end('a page');
      return Promise.resolve();
    },
    machineEndpoints: [],
    trusts: trustedProxies([]),
    origins: { baseUrl: null, allowedOrigins: [], machineNames: [] },
    directRoutes: new Map([['/health', () => ({ status: 200, type: 'application/json', body: '{"status":"ok"}' })]]),
    agentCount: () => 7,
    log: silent,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  // A server that listens on a port has an address of this form.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the HTTP server', () => {
  it('reports the number of connected agents to the local machine', async () => {
    const url = await start();
    expect(await (await fetch(`${url}/health/agents`)).json()).toEqual({ connected: 7 });
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
  });

  it.each([
    ['x-forwarded-for', '127.0.0.1'],
    ['X-Real-IP', '127.0.0.1'],
    ['forwarded', 'for=127.0.0.1'],
    ['via', '1.1 proxy'],
  ])('does not report it through a proxy: %s', async (name, value) => {
    const answer = await fetch(`${await start()}/health/agents`, { headers: { [name]: value } });
    expect(answer.status).toBe(404);
    expect(await answer.text()).toBe('a page');
  });
});
