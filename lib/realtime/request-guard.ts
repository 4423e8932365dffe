/**
 * Stands in front of Next. A request with a body is judged by its headers, takes its part of a share, proves its
 * session, and is read within bounds; only then does Next see it, with its body in memory. So whoever has no session
 * makes nobody parse more than some KB, wait for more than some seconds, or hold more than a few requests.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FleetLog } from '@/lib/fleet/ports';
import type { LimitUse } from '@/lib/protocol/limit-use';
import type { RefusalReason } from '@/lib/protocol/request-refusals';
import type { BuildActions } from './build-actions';
import { bodyProblem, readBody, replay } from './request-body';
import type { RequestCounts } from './request-counts';
import { judge } from './request-judge';
import type { BodyRule } from './request-rules';
import { Share, ShareReleases } from './request-shares';
import { RETRY_AFTER_S, sendRefusal } from './send-refusal';

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface GuardOptions {
  /** Next's handler. */
  handle: RequestHandler;
  sessions: {
    /** Rejects when the database can't be read. */
    resolveSession(cookieHeader: string | undefined): Promise<{ idHash: string } | null>;
    /** The browser that a cookie header proves to have signed in before; null when it proves none. */
    knownBrowser(cookieHeader: string | undefined): string | null;
  };
  /** What limits count by for an address: the /64 network of an IPv6 address. */
  limitKey: (address: string) => string;
  /** Null in development. */
  actions: BuildActions | null;
  /** Where the dashboard's own tools of Next post: in development only. */
  isDevelopmentTool?: (target: string) => boolean;
  counts: RequestCounts;
  log: FleetLog;
}

export interface RequestGuard {
  /** Takes the place of Next's handler. The client's address has been settled (`settleAddress`). */
  handle: RequestHandler;
  /** How much of each share is in use. */
  uses(): LimitUse[];
}

/** A person sends one at a time. All of them hold some MB at most (`request-rules.ts`), each for some seconds. */
const STRANGERS = { maxEach: 8, maxTotal: 256 };
/** Lasts milliseconds, so that what is slow in the other share keeps no operator from proving a session. */
const LOOKUPS = { maxEach: 32, maxTotal: 256 };
/** A browser has six connections to one address (more with HTTP/2 at a proxy). */
const KNOWN_BROWSERS = { maxEach: 16, maxTotal: 512 };
const SESSIONS = { maxEach: 32, maxTotal: 512 };

const beginning = (text: string) => `${text.slice(0, 8)}…`;

export function createRequestGuard(options: GuardOptions): RequestGuard {
  const { handle: next, sessions, limitKey, actions, counts, log } = options;
  const { isDevelopmentTool = () => false } = options;
  const strangers = new Share({
    id: 'requests_without_session',
    label: 'POST requests without a session',
    ...STRANGERS,
  });
  const lookups = new Share({ id: 'session_lookups', label: 'Session look-ups from unknown browsers', ...LOOKUPS });
  const knownBrowsers = new Share({
    id: 'requests_of_known_browsers',
    label: 'POST requests from known browsers, not signed in',
    shown: beginning,
    ...KNOWN_BROWSERS,
  });
  const signedIn = new Share({
    id: 'requests_with_session',
    label: 'POST requests with a session',
    shown: beginning,
    ...SESSIONS,
  });

  function refuse(
    request: IncomingMessage,
    response: ServerResponse,
    reason: RefusalReason,
    headers: Readonly<Record<string, string>> = {},
  ): void {
    counts.refused(reason);
    sendRefusal(request, response, reason, headers, counts.addBodyBytes);
  }

  /** Takes a part of the share of whoever sent this, for a request that has proven no session. */
  function takeUnproven(request: IncomingMessage, ofStrangers: Share): (() => void) | null {
    const known = sessions.knownBrowser(request.headers.cookie);
    return known === null ? ofStrangers.take(limitKey(addressOf(request))) : knownBrowsers.take(known);
  }

  type Admission = { kind: 'admitted'; release: () => void } | { kind: 'refused'; reason: RefusalReason };

  async function admit(request: IncomingMessage, rule: BodyRule): Promise<Admission> {
    const busy = { kind: 'refused', reason: 'too-many-at-once' } as const;
    const release = takeUnproven(request, rule.session ? lookups : strangers);
    if (release === null) return busy;
    if (!rule.session) return { kind: 'admitted', release };
    try {
      const session = await sessions.resolveSession(request.headers.cookie);
      if (session === null) return { kind: 'refused', reason: 'signed-out' };
      const released = signedIn.take(session.idHash);
      return released === null ? busy : { kind: 'admitted', release: released };
    } catch (error) {
      log.error({ err: error }, 'a session could not be looked up');
      return { kind: 'refused', reason: 'unavailable' };
    } finally {
      release();
    }
  }

  const releases = new ShareReleases();

  async function read(request: IncomingMessage, response: ServerResponse, rule: BodyRule): Promise<void> {
    const admission = await admit(request, rule);
    if (admission.kind === 'refused') {
      const retry = admission.reason === 'too-many-at-once' || admission.reason === 'unavailable';
      refuse(request, response, admission.reason, retry ? { 'retry-after': String(RETRY_AFTER_S) } : {});
      return;
    }
    if (response.destroyed || request.socket.destroyed) {
      admission.release();
      return;
    }
    releases.atEnd(request.socket, response, admission.release);
    const body = await readBody(request, response, rule, counts.addBodyBytes);
    if (body.kind === 'gone') return;
    const problem = body.kind === 'body' ? bodyProblem(body.bytes, rule) : body.kind;
    if (body.kind !== 'body' || problem !== null) {
      refuse(request, response, problem ?? 'malformed');
      return;
    }
    counts.passed.with_body += 1;
    await next(replay(request, response, body.bytes), response);
  }

  return {
    async handle(request, response) {
      const { method = '', url: target = '', headers } = request;
      if (isDevelopmentTool(target)) return next(request, response);
      const verdict = judge({ method, target, headers }, actions);
      switch (verdict.kind) {
        case 'pass':
          counts.passed.without_body += 1;
          return next(request, response);
        case 'read':
          return read(request, response, verdict.rule);
        case 'refuse':
          refuse(request, response, verdict.reason, verdict.allow === undefined ? {} : { allow: verdict.allow });
      }
    },
    uses: () => [strangers, lookups, knownBrowsers, signedIn].map((share) => share.use()),
  };
}

/** As `settleAddress` wrote it. */
function addressOf({ headers }: IncomingMessage): string {
  const address = headers['x-forwarded-for'];
  return typeof address === 'string' ? address : 'unknown';
}
