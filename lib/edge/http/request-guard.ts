/**
 * Guards Next. A request with a body is checked by its headers, takes a place in a share, proves its session, and is
 * read within bounds; only then does it reach Next, with its body in memory. So a client without a session can't make
 * the dashboard parse more than some KB, wait for more than some seconds, or hold more than a few requests.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BuildActions } from './build-actions';
import { FairQueue } from './fair-queue';
import { bodyProblem, readBody, replay } from './request-body';
import type { RequestCounts } from './request-counts';
import { BODY_CONTENT_TYPES, judgeRequest } from './request-judge';
import type { BodyRule } from './request-rules';
import { Share, ShareReleases, type Part } from './request-shares';
import { RETRY_AFTER_S, sendRefusal } from './send-refusal';
import type { FleetLog } from '@/lib/fleet/records/environment';
import type { LimitUse } from '@/lib/limits/limit-use';
import type { RefusalReason } from '@/lib/protocol/http/request-refusals';

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface GuardOptions {
  /** Next's handler. */
  handle: RequestHandler;
  sessions: {
    /** Rejects when the database can't be read. */
    resolveSession(cookieHeader: string | undefined): Promise<{ idHash: string } | null>;
    /** The known browser that a cookie header proves; null when it proves none. */
    knownBrowser(cookieHeader: string | undefined): string | null;
  };
  /** The key that limits use for an address: the /64 network of an IPv6 address. */
  limitKey: (address: string) => string;
  /** Null in development. */
  actions: BuildActions | null;
  /** True for targets of Next's development tools; development only. */
  isDevelopmentTool?: (target: string) => boolean;
  counts: RequestCounts;
  log: FleetLog;
  /** Milliseconds of a monotonic clock, for the limits on concurrent requests; by default the process's. */
  now?: () => number;
}

export interface RequestGuard {
  /** Replaces Next's handler. The client's address must be set (`setClientAddress`). */
  handle: RequestHandler;
  /** Use of each share. */
  uses(): LimitUse[];
}

/** A person sends one at a time. All together hold a few MB at most (`request-rules.ts`), each for some seconds. */
const STRANGERS = { maxEach: 8, maxTotal: 256 };
/**
 * Separate from `STRANGERS`, so that slow bodies there do not keep an operator from proving a session. Each takes
 * milliseconds.
 */
const LOOKUPS = { maxEach: 32, maxTotal: 256 };
/** A browser has six connections to one address (more with HTTP/2 at a proxy). */
const KNOWN_BROWSERS = { maxEach: 16, maxTotal: 512 };
const SESSIONS = { maxEach: 32, maxTotal: 512 };

/** A page costs milliseconds of work. Few run at once, so that other work can run in between. */
const UNKNOWN_PAGES = { maxRunning: 4, maxRunningEach: 2, maxWaiting: 1_024, maxWaitingEach: 64 };
const KNOWN_PAGES = { maxRunning: 32, maxRunningEach: 16, maxWaiting: 512, maxWaitingEach: 128 };
const FILES = { maxRunning: 64, maxRunningEach: 32, maxWaiting: 2_048, maxWaitingEach: 512 };
const STATIC_FILES = '/_next/static/';

const beginning = (text: string) => `${text.slice(0, 8)}…`;

export function createRequestGuard(options: GuardOptions): RequestGuard {
  const { handle: next, sessions, limitKey, actions, counts, log, now } = options;
  const { isDevelopmentTool = () => false } = options;
  const strangers = new Share(
    {
      id: 'requests_without_session',
      label: 'POST requests without a session',
      ...STRANGERS,
    },
    now,
  );
  const lookups = new Share(
    { id: 'session_lookups', label: 'Session look-ups from unknown browsers', ...LOOKUPS },
    now,
  );
  const knownBrowsers = new Share(
    {
      id: 'requests_of_known_browsers',
      label: 'POST requests from known browsers, not signed in',
      display: beginning,
      ...KNOWN_BROWSERS,
    },
    now,
  );
  const signedIn = new Share(
    {
      id: 'requests_with_session',
      label: 'POST requests with a session',
      display: beginning,
      ...SESSIONS,
    },
    now,
  );

  const unknownPages = new FairQueue({
    id: 'pages_of_unknown_browsers',
    label: 'Waiting page requests from unknown browsers',
    ...UNKNOWN_PAGES,
  });
  const knownPages = new FairQueue({
    id: 'pages_of_known_browsers',
    label: 'Waiting page requests from known browsers and sessions',
    ...KNOWN_PAGES,
  });
  const files = new FairQueue({ id: 'files', label: 'Waiting requests for static files', ...FILES });

  function refuse(
    request: IncomingMessage,
    response: ServerResponse,
    reason: RefusalReason,
    headers: Readonly<Record<string, string>> = {},
  ): void {
    counts.refused(reason);
    sendRefusal(request, response, reason, headers, counts.addBodyBytes);
  }

  /** Takes a place in the sender's share for a request without a proven session. */
  function takeUnproven(request: IncomingMessage, ofStrangers: Share, evict: () => void): Part | null {
    const known = sessions.knownBrowser(request.headers.cookie);
    return known === null ? ofStrangers.take(limitKey(addressOf(request)), evict) : knownBrowsers.take(known, evict);
  }

  type Admission = { kind: 'admitted'; part: Part } | { kind: 'refused'; reason: RefusalReason };

  /** `evict` is called when the request must make room while its body arrives. */
  async function admit(request: IncomingMessage, rule: BodyRule, evict: () => void): Promise<Admission> {
    const busy = { kind: 'refused', reason: 'too-many-at-once' } as const;
    const part = takeUnproven(request, rule.session ? lookups : strangers, evict);
    if (part === null) return busy;
    if (!rule.session) return { kind: 'admitted', part };
    // A running look-up is not evicted.
    part.settled();
    try {
      const session = await sessions.resolveSession(request.headers.cookie);
      if (session === null) return { kind: 'refused', reason: 'signed-out' };
      const sessionPart = signedIn.take(session.idHash, evict);
      return sessionPart === null ? busy : { kind: 'admitted', part: sessionPart };
    } catch (error) {
      log.error({ err: error }, 'a session could not be looked up');
      return { kind: 'refused', reason: 'unavailable' };
    } finally {
      part.release();
    }
  }

  /** The queue of a request, and the client it counts for. */
  async function queueOf(request: IncomingMessage): Promise<{ queue: FairQueue; who: string }> {
    const who = limitKey(addressOf(request));
    if (request.url?.startsWith(STATIC_FILES)) return { queue: files, who };
    const { cookie } = request.headers;
    const known = sessions.knownBrowser(cookie);
    if (known !== null) return { queue: knownPages, who: known };
    // A browser does not send its strict device cookie when it follows a link from another site; its session identifies
    // it.
    const part = cookie === undefined ? null : lookups.take(who);
    try {
      const session = part === null ? null : await sessions.resolveSession(cookie);
      return session === null ? { queue: unknownPages, who } : { queue: knownPages, who: session.idHash };
    } catch {
      // The page reports that the session can't be looked up.
      return { queue: unknownPages, who };
    } finally {
      part?.release();
    }
  }

  /** Lets Next answer in the request's turn. */
  async function answerInTurn(
    request: IncomingMessage,
    response: ServerResponse,
    answer: () => Promise<void>,
  ): Promise<void> {
    const { queue, who } = await queueOf(request);
    const end = await queue.enter(who, (leave) => response.once('close', leave));
    if (response.destroyed || request.socket.destroyed) {
      end?.();
      return;
    }
    if (end === null) {
      refuse(request, response, 'queue-full', { 'retry-after': String(RETRY_AFTER_S) });
      return;
    }
    try {
      await answer();
    } finally {
      end();
    }
  }

  const releases = new ShareReleases();

  async function read(request: IncomingMessage, response: ServerResponse, rule: BodyRule): Promise<void> {
    const evicted = new AbortController();
    const admission = await admit(request, rule, () => evicted.abort());
    if (admission.kind === 'refused') {
      const retry = admission.reason === 'too-many-at-once' || admission.reason === 'unavailable';
      refuse(request, response, admission.reason, retry ? { 'retry-after': String(RETRY_AFTER_S) } : {});
      return;
    }
    if (response.destroyed || request.socket.destroyed) {
      admission.part.release();
      return;
    }
    releases.atEnd(request.socket, response, admission.part.release);
    const body = await readBody(request, response, { ...rule, signal: evicted.signal }, counts.addBodyBytes);
    admission.part.settled();
    if (body.kind === 'gone') return;
    const problem = body.kind === 'body' ? bodyProblem(body.bytes, rule) : body.kind;
    if (body.kind !== 'body' || problem !== null) {
      refuse(request, response, problem ?? 'malformed');
      return;
    }
    const { bytes } = body;
    const answer = () => {
      counts.passed.with_body += 1;
      return next(replay(request, response, bytes, BODY_CONTENT_TYPES[rule.kind]), response);
    };
    await (rule.session ? answer() : answerInTurn(request, response, answer));
  }

  return {
    async handle(request, response) {
      const { method = '', url: target = '', headers } = request;
      if (isDevelopmentTool(target)) return next(request, response);
      const verdict = judgeRequest({ method, target, headers }, actions);
      switch (verdict.kind) {
        case 'pass':
          return answerInTurn(request, response, () => {
            counts.passed.without_body += 1;
            return next(request, response);
          });
        case 'read':
          return read(request, response, verdict.rule);
        case 'refuse':
          refuse(request, response, verdict.reason, verdict.allow === undefined ? {} : { allow: verdict.allow });
      }
    },
    uses: () => [strangers, lookups, knownBrowsers, signedIn, unknownPages, knownPages, files].map((one) => one.use()),
  };
}

/** As written by `setClientAddress`. */
function addressOf({ headers }: IncomingMessage): string {
  const address = headers['x-forwarded-for'];
  return typeof address === 'string' ? address : 'unknown';
}
