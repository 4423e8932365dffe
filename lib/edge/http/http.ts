/**
 * The HTTP server: sets the client's address, answers health and metrics directly, and passes everything else to Next.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setClientAddress, type TrustsProxy } from './forwarded-address';
import { sendRefusing } from './json-http';
import { isHttps, originIsAllowed, type OriginPolicy } from './origin';
import { RequestCounts } from './request-counts';
import { carriesBody } from './request-judge';
import { cutUserAgent } from './request-line';
import { setSecurityHeaders } from './response-headers';
import { sendRefusal } from './send-refusal';
import type { FleetLog } from '@/lib/fleet/records/environment';
import type { RefusalReason } from '@/lib/protocol/http/request-refusals';

/** Longer than the idle time of common proxies, so that they never reuse a connection that is closing. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_TIMEOUT_MS = 20_000;
/** Longer than the longest time for a body (`request-rules.ts`), so that a slow body gets an answer. */
const REQUEST_TIMEOUT_MS = 70_000;

/** Connections waiting to be accepted: a whole fleet reconnects at once (Linux caps this at net.core.somaxconn). */
export const LISTEN_BACKLOG = 4_096;

/** For update.sh, which waits until as many agents as before are connected. Answered to this machine only. */
const AGENT_COUNT_PATH = '/health/agents';

export interface DirectResponse {
  status: number;
  type: string;
  body: string;
  headers?: Record<string, string>;
}

/** Answers one path without Next. */
export type DirectRoute = (request: IncomingMessage) => DirectResponse | Promise<DirectResponse>;

export interface HttpOptions {
  /** Next's handler, behind the guard (`request-guard.ts`). */
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Endpoints for programs, tried before Next, which answers with pages and redirects. True when answered. */
  machineEndpoints: readonly ((request: IncomingMessage, response: ServerResponse, address: string) => boolean)[];
  trusts: TrustsProxy;
  /** Origins whose pages may send requests that change something. */
  origins: OriginPolicy;
  /** Routes answered without Next, by path. */
  directRoutes: ReadonlyMap<string, DirectRoute>;
  /** Number of connected agents. */
  agentCount: () => number;
  /** Where refusals and bytes are counted. */
  counts?: RequestCounts;
  log: FleetLog;
}

/** Creates the server; it does not listen yet. */
export function createHttpServer(options: HttpOptions): Server {
  const {
    handle,
    machineEndpoints,
    trusts,
    origins,
    directRoutes,
    agentCount,
    counts = new RequestCounts(),
    log,
  } = options;
  const https = isHttps(origins);
  const refuse = (request: IncomingMessage, response: ServerResponse, reason: RefusalReason) => {
    counts.refused(reason);
    sendRefusal(request, response, reason, {}, counts.addBodyBytes);
  };
  /** Connections with an unanswered request. */
  const answering = new WeakSet<Socket>();
  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (answering.has(socket)) {
      // Node starts all pipelined requests of a connection at once, and continues after its client has left.
      if (socket.destroyed) return;
      counts.refused('pipelined');
      socket.destroy();
      return;
    }
    answering.add(socket);
    response.once('close', () => answering.delete(socket));
    cutUserAgent(request.headers);
    const isLocal = isFromThisMachine(request);
    const address = setClientAddress(request, trusts);
    setSecurityHeaders(response, https);
    if ((request.method === 'GET' || request.method === 'HEAD') && carriesBody(request.headers)) {
      refuse(request, response, 'unexpected-body');
      return;
    }
    if (request.url === AGENT_COUNT_PATH && isLocal) {
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      response.end(JSON.stringify({ connected: agentCount() }));
      return;
    }
    const route = directRoutes.get(request.url?.split('?')[0] ?? '');
    if (!route && machineEndpoints.some((answers) => answers(request, response, address))) return;
    if (!route && isForeign(request, origins)) {
      log.warn({ address, origin: request.headers.origin }, 'a request was refused: its origin is not allowed');
      refuse(request, response, 'foreign-origin');
      return;
    }
    const work = route ? answerDirectly(route, request, response) : handle(request, response);
    work.catch((error: unknown) => {
      log.error({ err: error }, 'a request failed');
      response.destroy();
    });
  }
  const server = createServer(answer);
  // `readBody` sends `100 Continue` when a body is wanted; a refused request never gets it.
  server.on('checkContinue', answer);
  counts.watch(server);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  return server;
}

/** True for a request from this machine or container that did not pass a proxy. */
function isFromThisMachine({ socket, headers }: IncomingMessage): boolean {
  const address = socket.remoteAddress ?? '';
  const isLoopback = address === '127.0.0.1' || address === '::1' || address === '::ffff:127.0.0.1';
  return isLoopback && !Object.keys(headers).some((name) => /^(?:x-forwarded-|forwarded$|x-real-ip$|via$)/.test(name));
}

/** Safe methods (RFC 9110, 9.2.1). */
const SAFE_METHODS: readonly (string | undefined)[] = ['GET', 'HEAD', 'OPTIONS'];

/**
 * True for a cross-site request that would change something, to which the browser adds cookies. A browser always names
 * the origin of such a request; a client that does not is a program without a browser's cookies.
 */
function isForeign({ method, headers }: IncomingMessage, origins: OriginPolicy): boolean {
  if (SAFE_METHODS.includes(method)) return false;
  if (headers.origin !== undefined) return !originIsAllowed(headers.origin, headers.host, origins);
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

async function answerDirectly(route: DirectRoute, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const answer = { status: 405, type: 'text/plain; charset=utf-8', text: 'Use GET.\n' };
    sendRefusing(request, response, { ...answer, headers: { allow: 'GET, HEAD' } });
    return;
  }
  const answer = await route(request);
  response.writeHead(answer.status, {
    'content-type': answer.type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...answer.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}
