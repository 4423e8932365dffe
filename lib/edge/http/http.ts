/** The one HTTP server: the client's address is settled first, health and metrics are answered here, all else is Next's. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RefusalReason } from '@/lib/protocol/request-refusals';
import { settleAddress, type TrustsProxy } from './forwarded-address';
import { sendRefusing } from './json-http';
import { originIsAllowed, type OriginPolicy } from './origin';
import { RequestCounts } from './request-counts';
import { carriesBody } from './request-judge';
import { cutUserAgent } from './request-line';
import { setSecurityHeaders } from './response-headers';
import { sendRefusal } from './send-refusal';
import type { FleetLog } from '@/lib/fleet/records/environment';

/** Longer than the idle time of the usual proxies, so that they never meet a connection that just closed. */
const KEEP_ALIVE_MS = 75_000;
const HEADERS_TIMEOUT_MS = 20_000;
/** Later than the longest time for a body (`request-rules.ts`), so that a slow one is answered in words. */
const REQUEST_TIMEOUT_MS = 70_000;

/** For update.sh, which waits until as many agents as before are back; to nobody but this machine. */
const AGENT_COUNT_PATH = '/health/agents';

export interface OwnAnswer {
  status: number;
  type: string;
  body: string;
  headers?: Record<string, string>;
}

/** Answers one path without Next. */
export type OwnRoute = (request: IncomingMessage) => OwnAnswer | Promise<OwnAnswer>;

export interface HttpOptions {
  /** Next's handler, behind the guard (`request-guard.ts`). */
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Asked before Next, which answers with pages and redirects: what is for programs alone. True: it was answered. */
  programs: readonly ((request: IncomingMessage, response: ServerResponse, address: string) => boolean)[];
  trusts: TrustsProxy;
  /** Whose pages may ask for something to be done. */
  origins: OriginPolicy;
  /** By path. */
  own: ReadonlyMap<string, OwnRoute>;
  /** How many agents are connected now. */
  agentCount: () => number;
  /** Where refusals and bytes are counted. */
  counts?: RequestCounts;
  log: FleetLog;
}

/** Makes the server; it does not listen yet. */
export function createHttpServer(options: HttpOptions): Server {
  const { handle, programs, trusts, origins, own, agentCount, counts = new RequestCounts(), log } = options;
  const https = origins.baseUrl?.startsWith('https://') ?? false;
  const refuse = (request: IncomingMessage, response: ServerResponse, reason: RefusalReason) => {
    counts.refused(reason);
    sendRefusal(request, response, reason, {}, counts.addBodyBytes);
  };
  /** Connections with a request that is not answered yet. */
  const answering = new WeakSet<Socket>();
  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (answering.has(socket)) {
      // Node begins everything that one connection sends at once, and goes on when its client has left.
      if (socket.destroyed) return;
      counts.refused('pipelined');
      socket.destroy();
      return;
    }
    answering.add(socket);
    response.once('close', () => answering.delete(socket));
    cutUserAgent(request.headers);
    const isLocal = isFromThisMachine(request);
    const address = settleAddress(request, trusts);
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
    const route = own.get(request.url?.split('?')[0] ?? '');
    if (!route && programs.some((answers) => answers(request, response, address))) return;
    if (!route && isForeign(request, origins)) {
      log.warn({ address, origin: request.headers.origin }, 'a request was refused: its origin is not allowed');
      refuse(request, response, 'foreign-origin');
      return;
    }
    const work = route ? answerOwn(route, request, response) : handle(request, response);
    work.catch((error: unknown) => {
      log.error({ err: error }, 'a request failed');
      response.destroy();
    });
  }
  const server = createServer(answer);
  // Who asks before sending a body is asked for it by whoever reads it (`readBody`), and not where it is refused.
  server.on('checkContinue', answer);
  counts.watch(server);
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  return server;
}

/** Asked from the same machine or container, and not through a proxy there. */
function isFromThisMachine({ socket, headers }: IncomingMessage): boolean {
  const address = socket.remoteAddress ?? '';
  const isLoopback = address === '127.0.0.1' || address === '::1' || address === '::ffff:127.0.0.1';
  return isLoopback && !Object.keys(headers).some((name) => /^(?:x-forwarded-|forwarded$|x-real-ip$|via$)/.test(name));
}

/** The methods that change nothing (RFC 9110, 9.2.1). */
const SAFE_METHODS: readonly (string | undefined)[] = ['GET', 'HEAD', 'OPTIONS'];

/**
 * True when a page of somebody else asks for something to be done, with the cookies that the browser adds. A browser
 * says where such a request comes from; what says nothing is a program, and brings no cookies but its own.
 */
function isForeign({ method, headers }: IncomingMessage, origins: OriginPolicy): boolean {
  if (SAFE_METHODS.includes(method)) return false;
  if (headers.origin !== undefined) return !originIsAllowed(headers.origin, headers.host, origins);
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

async function answerOwn(route: OwnRoute, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const answer = { status: 405, type: 'text/plain; charset=utf-8', text: 'Read this with GET.\n' };
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
