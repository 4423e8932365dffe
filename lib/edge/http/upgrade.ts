/**
 * The only upgrade listener: path, address, token or session, and origin are checked before a socket is accepted, and
 * every refusal is an HTTP status. Next's listener never sees these requests (it would close them).
 */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { setClientAddress, type TrustsProxy } from './forwarded-address';
import type { AgentGateway } from '../agents/agent-gateway';
import type { LiveHub, LiveSession } from '../browsers/live-gateway';
import { goneAddress, goneSentence } from './gone-addresses';
import { GONE_STATUS, recordGone, type GoneOptions } from './gone-handler';
import { isHttps, originIsAllowed, type OriginPolicy } from './origin';
import { PendingUpgrades } from './pending-upgrades';
import type { RequestCounts } from './request-counts';
import { securityHeaders } from './response-headers';
import type { AgentIdentity } from '@/lib/fleet/records/agent-port';
import type { FleetLog, LoopTime } from '@/lib/fleet/records/environment';
import type { LimitUse } from '@/lib/limits/limit-use';

export const AGENT_PATH = '/ws';
export const BROWSER_PATH = '/live';
/** Time-out of a session look-up, in `LoopTime`. */
export const AUTH_TIMEOUT_MS = 5_000;

/** Identifies an agent by its Authorization header, or gives the status to refuse it with. */
export type IdentifyAgent = (
  authorization: string | undefined,
  address: string,
) => Promise<{ kind: 'known'; identity: AgentIdentity } | { kind: 'refused'; status: number; retryAfterMs: number }>;

export interface UpgradeOptions {
  agents: AgentGateway;
  browsers: LiveHub;
  trusts: TrustsProxy;
  origins: OriginPolicy;
  identifyAgent: IdentifyAgent;
  resolveSession: (cookieHeader: string | undefined) => Promise<LiveSession | null>;
  /** True when the session ended after its look-up was asked for. */
  sessionHasEnded: (idHash: string) => boolean;
  /** Time for session look-ups. */
  loop: LoopTime;
  log: FleetLog;
  /** Counts upgrades on an address of an earlier dashboard. */
  counts: RequestCounts;
  /** True once the dashboard is stopping: nothing more is accepted. */
  isStopping: () => boolean;
  /** Handles other upgrades in development (hot reload); false when it did not. */
  fallback: (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
}

/** Returns the use of the limits on upgrades. */
export function attachUpgrades(server: Server, options: UpgradeOptions): { uses: () => LimitUse[] } {
  const pending = new PendingUpgrades();
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // A reset while the session is being looked up must not end the process.
    const onError = () => socket.destroy();
    socket.on('error', onError);
    if (options.isStopping()) {
      refuse(socket, 503);
      return;
    }
    const address = setClientAddress(request, options.trusts);
    const path = pathOf(request);
    if (path === AGENT_PATH) {
      // Browsers send an origin or a cookie; agents never do. Pages of earlier versions connected here.
      const { authorization, origin, cookie } = request.headers;
      if (authorization === undefined && (origin ?? cookie) !== undefined) {
        refuseGone(socket, address, isHttps(options.origins), options);
        return;
      }
      if (request.headers.origin !== undefined) {
        refuse(socket, 403);
        return;
      }
      options
        .identifyAgent(request.headers.authorization, address)
        .then((agent) => {
          if (socket.destroyed || socket.writableEnded) return;
          if (agent.kind === 'refused') {
            refuse(socket, agent.status, agent.retryAfterMs);
            return;
          }
          if (options.isStopping()) {
            refuse(socket, 503);
            return;
          }
          socket.off('error', onError);
          options.agents.accept(request, socket, head, address, agent.identity);
        })
        .catch((error: unknown) => {
          options.log.error({ err: error, address }, 'an agent was refused: it could not be identified');
          if (socket.destroyed || socket.writableEnded) return;
          refuse(socket, 500);
        });
      return;
    }
    if (path === BROWSER_PATH) {
      if (!originIsAllowed(request.headers.origin, request.headers.host, options.origins)) {
        options.log.warn(
          { address, origin: request.headers.origin },
          'a live socket was refused: its origin is not allowed',
        );
        refuse(socket, 403);
        return;
      }
      const release = pending.take(address, () => refuse(socket, 503));
      if (!release) {
        refuse(socket, 503);
        return;
      }
      void withDeadline(options.resolveSession(request.headers.cookie), options.loop)
        .then((session) => {
          // Closed, or evicted for another address.
          if (socket.destroyed || socket.writableEnded) return;
          if (session === 'late') {
            // Not 401: the browser would take its session for ended.
            options.log.warn({ address }, 'a live socket was refused: its session look-up timed out');
            refuse(socket, 503, AUTH_TIMEOUT_MS);
            return;
          }
          // The sockets of a session are closed when it ends: one that is accepted later would stay open.
          if (!session || options.sessionHasEnded(session.idHash)) {
            refuse(socket, 401);
            return;
          }
          if (!options.browsers.admits(session)) {
            refuse(socket, 403);
            return;
          }
          if (options.isStopping() || options.browsers.refusal(session.idHash) !== null) {
            refuse(socket, 503);
            return;
          }
          socket.off('error', onError);
          options.browsers.accept(request, socket, head, session, address);
        })
        .catch((error: unknown) => {
          options.log.error({ err: error, address }, 'a live socket was refused: its session could not be looked up');
          if (socket.destroyed || socket.writableEnded) return;
          refuse(socket, 500);
        })
        .finally(release);
      return;
    }
    if (!options.fallback(request, socket, head)) refuse(socket, 404);
  });
  return { uses: () => [pending.use()] };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

function refuse(socket: Duplex, status: number, retryAfterMs = 0): void {
  answer(socket, status, retryAfterMs > 0 ? { 'Retry-After': String(Math.ceil(retryAfterMs / 1_000)) } : {});
}

function refuseGone(socket: Duplex, address: string, https: boolean, options: GoneOptions): void {
  const gone = goneAddress('GET', AGENT_PATH);
  if (gone !== null) recordGone(gone, address, options);
  const body = JSON.stringify({ error: gone === null ? '' : goneSentence(gone) });
  const headers = { ...securityHeaders(https), 'content-type': 'application/json', 'cache-control': 'no-store' };
  answer(socket, GONE_STATUS, headers, body);
}

/** `headers` and `body` must hold nothing of the request. */
function answer(socket: Duplex, status: number, headers: Readonly<Record<string, string>>, body = ''): void {
  // A peer that never closes its side would keep the socket forever: the HTTP server's time-outs no longer apply.
  socket.once('finish', () => socket.destroy());
  const all = { ...headers, Connection: 'close', 'Content-Length': String(Buffer.byteLength(body)) };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}

async function withDeadline<T>(work: Promise<T>, loop: LoopTime): Promise<T | 'late'> {
  let cancel: () => void = () => undefined;
  const deadline = new Promise<'late'>((resolve) => {
    cancel = loop.after(AUTH_TIMEOUT_MS, () => resolve('late'));
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    cancel();
  }
}
