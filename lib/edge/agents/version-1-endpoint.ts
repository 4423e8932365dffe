/**
 * Version-1 agents over HTTP. They are shell scripts that exit on an answer that is not JSON, follow no redirect and
 * retry forever (`docs/protocol.md`, "Version 1"). So everything below `/api/hosts` is answered here, in JSON, and
 * never reaches a page.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { readJson, retryAfter, sendJson, sendJsonRefusing, type JsonBody } from '../http/json-http';
import type { IdentifyAgent } from '../http/upgrade';
import type { FleetLog } from '@/lib/fleet/records/environment';
import type { V1Answer, V1Call, V1Inbox } from '@/lib/fleet/records/version-1-port';
import {
  MAX_V1_BODY_BYTES,
  V1_ANSWERS,
  V1_HOST_ID,
  v1RegisterSchema,
  v1StatusSchema,
  v1TestProgressSchema,
} from '@/lib/protocol/http/v1-agent';

const BASE = '/api/hosts';
/** The deepest value is a metric, the widest an inventory of some dozen fields. */
const BODY_LIMITS = { maxBytes: MAX_V1_BODY_BYTES, maxMs: 10_000, maxDepth: 8, maxValues: 1_000 };
const BODY_PROBLEMS: Readonly<Record<Exclude<JsonBody['kind'], 'body'>, string>> = {
  'too-large': 'Request body too large',
  'too-slow': 'Request body too slow',
  'too-deep': 'Request body nested too deeply',
  'too-many-values': 'Request body with too many values',
  unreadable: 'The body is not JSON',
};

export interface V1Options {
  inbox: V1Inbox;
  identifyAgent: IdentifyAgent;
  isStopping: () => boolean;
  log: FleetLog;
}

/** Answers a request below `/api/hosts`; false when it is for another path. */
export type V1Handler = (request: IncomingMessage, response: ServerResponse, address: string) => boolean;

/** How an identified call is parsed, handled and answered in version 1's format. */
interface V1Route {
  method: 'GET' | 'POST';
  run: (call: V1Call, body: unknown, inbox: V1Inbox) => { kind: 'invalid'; issue: z.core.$ZodIssue | null } | V1Done;
}
type V1Done = {
  kind: 'done';
  answer: Promise<V1Answer>;
  respond: (hostId: string, answer: V1Answer & { kind: 'ok' }) => unknown;
};

function withBody<Schema extends z.ZodType>(
  schema: Schema,
  work: (call: V1Call, body: z.output<Schema>, inbox: V1Inbox) => Promise<V1Answer>,
  respond: V1Done['respond'],
): V1Route {
  return {
    method: 'POST',
    run(call, body, inbox) {
      const parsed = schema.safeParse(body);
      if (!parsed.success) return { kind: 'invalid', issue: parsed.error.issues[0] ?? null };
      return { kind: 'done', answer: work(call, parsed.data, inbox), respond };
    },
  };
}

// A map, not an object: names come from the wire, and `constructor` must not match.
const ROUTES: ReadonlyMap<string, V1Route> = new Map([
  [
    'register',
    withBody(
      v1RegisterSchema,
      (call, body, inbox) => inbox.register(call, body),
      (hostId, { command }) => V1_ANSWERS.registered(hostId, command),
    ),
  ],
  [
    'poll',
    {
      method: 'GET',
      run: (call, _body, inbox) => ({
        kind: 'done',
        answer: inbox.poll(call),
        respond: (_hostId, { command }) => V1_ANSWERS.polled(command),
      }),
    },
  ],
  ['status', withBody(v1StatusSchema, (call, body, inbox) => inbox.status(call, body), V1_ANSWERS.updated)],
  [
    'test-progress',
    withBody(v1TestProgressSchema, (call, body, inbox) => inbox.testProgress(call, body), V1_ANSWERS.updated),
  ],
]);

export function createV1Handler({ inbox, identifyAgent, isStopping, log }: V1Options): V1Handler {
  async function handle(request: IncomingMessage, response: ServerResponse, path: string, address: string) {
    const refuse = (status: number, detail: string, headers: Record<string, string> = {}) =>
      sendJsonRefusing(request, response, status, V1_ANSWERS.refused(detail), headers);
    if (isStopping()) {
      refuse(503, 'The dashboard is stopping', { connection: 'close' });
      return;
    }
    const [rawId = '', action = '', ...more] = path.slice(BASE.length + 1).split('/');
    const route = more.length === 0 ? ROUTES.get(action) : undefined;
    if (!route) {
      refuse(404, 'Not Found');
      return;
    }
    if (request.method !== route.method) {
      refuse(405, 'Method Not Allowed', { allow: route.method });
      return;
    }
    const agent = await identifyAgent(request.headers.authorization, address);
    if (agent.kind === 'refused') {
      const detail =
        agent.status === 401 ? 'Invalid API token' : agent.status === 429 ? 'Too many wrong tokens' : 'Unavailable';
      refuse(agent.status, detail, retryAfter(agent.retryAfterMs));
      return;
    }
    if (!V1_HOST_ID.test(rawId)) {
      refuse(400, 'Invalid host id');
      return;
    }
    const id = rawId.toLowerCase();
    const body = route.method === 'POST' ? await readJson(request, response, BODY_LIMITS) : null;
    if (body !== null && body.kind !== 'body') {
      refuse(body.status, BODY_PROBLEMS[body.kind]);
      return;
    }
    const result = route.run({ id, address, identity: agent.identity }, body?.value, inbox);
    if (result.kind === 'invalid') {
      const field = result.issue?.path.map(String).join('.') ?? '';
      refuse(422, field === '' ? 'The body is not an object' : `Invalid value: ${field.slice(0, 64)}`);
      return;
    }
    const { respond } = result;
    const answer = await result.answer;
    switch (answer.kind) {
      case 'ok':
        sendJson(response, 200, respond(answer.hostId, answer));
        return;
      case 'wrong-token':
        refuse(401, 'Invalid API token');
        return;
      case 'too-often':
        refuse(429, 'Too many requests', retryAfter(answer.retryAfterMs));
        return;
      case 'unavailable':
        refuse(503, answer.reason);
    }
  }

  return (request, response, address) => {
    const path = pathOf(request.url ?? '/');
    if (path !== BASE && !path.startsWith(`${BASE}/`)) return false;
    handle(request, response, path, address).catch((error: unknown) => {
      if (response.headersSent || request.destroyed) {
        response.destroy();
        return;
      }
      log.error({ err: error, address }, 'a call of a version-1 agent failed');
      sendJson(response, 500, V1_ANSWERS.refused('Internal Server Error'));
    });
    return true;
  };
}

/** The path without query. Base addresses are configured with or without a trailing slash. */
function pathOf(url: string): string {
  const path = url.replace(/^https?:\/\/[^/]*/i, '').split(/[?#]/, 1)[0] ?? '';
  return path.replace(/\/{2,}/g, '/');
}
