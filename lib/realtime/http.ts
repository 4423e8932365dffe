/** The one HTTP server: the client's address is settled first, liveness is answered here, all else is Next's. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { FleetLog } from '@/lib/fleet/ports';
import { settleAddress, type TrustsProxy } from './address';

/** Longer than the idle time of the usual proxies, so that they never meet a connection that just closed. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 60_000;

export interface HttpOptions {
  /** Next's handler. */
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  trusts: TrustsProxy;
  isStopping: () => boolean;
  log: FleetLog;
}

/** Makes the server; it does not listen yet. `/health` needs no session: agents and container engines ask for it. */
export function createHttpServer({ handle, trusts, isStopping, log }: HttpOptions): Server {
  const server = createServer((request, response) => {
    settleAddress(request, trusts);
    if (request.url === '/health') {
      const stopping = isStopping();
      response.writeHead(stopping ? 503 : 200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify({ status: stopping ? 'stopping' : 'ok' }));
      return;
    }
    handle(request, response).catch((error: unknown) => {
      log.error({ err: error }, 'a request failed');
      response.destroy();
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  return server;
}
