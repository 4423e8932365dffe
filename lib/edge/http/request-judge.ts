/** Decides on a request by its request line and headers, before a byte of its body is read. */
import type { IncomingHttpHeaders } from 'node:http';
import type { BuildActions } from './build-actions';
import { targetProblem } from './request-line';
import { ruleFor, type BodyRule } from './request-rules';
import type { RefusalReason } from '@/lib/protocol/http/request-refusals';

export type Verdict =
  /** There is no body to read. */
  | { kind: 'pass' }
  /** The body is to be read under this rule. */
  | { kind: 'read'; rule: BodyRule }
  /** `allow`: the methods that the path accepts. */
  | { kind: 'refuse'; reason: RefusalReason; allow?: string };

export interface JudgedRequest {
  method: string;
  /** The request target as sent. */
  target: string;
  headers: IncomingHttpHeaders;
}

/** True when the headers announce a body (RFC 9112, 6.3). */
export function carriesBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** `actions` is null in development, where pages are built on demand; only the form of an id is checked there. */
export function judgeRequest({ method, target, headers }: JudgedRequest, actions: BuildActions | null): Verdict {
  const problem = targetProblem(target);
  if (problem !== null) return { kind: 'refuse', reason: problem };
  const { pattern, rule } = ruleFor(target, method);
  switch (method) {
    case 'GET':
    case 'HEAD':
      return carriesBody(headers) ? { kind: 'refuse', reason: 'unexpected-body' } : { kind: 'pass' };
    case 'POST':
      if (pattern === null) return { kind: 'refuse', reason: 'unknown-path' };
      if (rule.post === null) return { kind: 'refuse', reason: 'wrong-method', allow: 'GET, HEAD' };
      return judgeBody(rule.post, pattern, headers, actions);
    default:
      return { kind: 'refuse', reason: 'wrong-method', allow: rule.post === null ? 'GET, HEAD' : 'GET, HEAD, POST' };
  }
}

/** The content type passed on for each kind of body. Clients may send the type alone or with this character set. */
export const BODY_CONTENT_TYPES = {
  action: 'text/plain;charset=UTF-8',
  form: 'application/x-www-form-urlencoded',
} as const;
const SENT_TYPES = {
  action: /^text\/plain(?:; ?charset=utf-8)?$/i,
  form: /^application\/x-www-form-urlencoded(?:; ?charset=utf-8)?$/i,
} as const;

function judgeBody(
  rule: BodyRule,
  pattern: string,
  headers: IncomingHttpHeaders,
  actions: BuildActions | null,
): Verdict {
  const refuse = (reason: RefusalReason): Verdict => ({ kind: 'refuse', reason });
  const encoding = headers['content-encoding'] ?? 'identity';
  if (!SENT_TYPES[rule.kind].test(headers['content-type'] ?? '') || encoding !== 'identity')
    return refuse('wrong-type');
  if (rule.kind === 'action') {
    const id = headers['next-action'];
    if (typeof id !== 'string' || !ACTION_ID.test(id)) return refuse('unknown-action');
    // Next may forward an action of another page over HTTP. Without a session, a page answers only for its actions.
    if (actions && !(rule.session ? actions.has(id) : actions.isOn(id, pattern))) return refuse('unknown-action');
  } else if (headers['next-action'] !== undefined) {
    return refuse('unknown-action');
  }
  return Number(headers['content-length'] ?? 0) > rule.maxBytes ? refuse('too-large') : { kind: 'read', rule };
}

/** As Next 16 creates them: a byte of flags and a SHA-1. */
const ACTION_ID = /^[0-9a-f]{42}$/;
