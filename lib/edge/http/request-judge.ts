/** Judges a request by its first line and its headers, before a byte of its body is read. */
import type { IncomingHttpHeaders } from 'node:http';
import type { RefusalReason } from '@/lib/protocol/request-refusals';
import type { BuildActions } from './build-actions';
import { targetProblem } from './request-line';
import { ruleFor, type BodyRule } from './request-rules';

export type Verdict =
  /** Nothing has to be read. */
  | { kind: 'pass' }
  /** The body is to be read by this rule. */
  | { kind: 'read'; rule: BodyRule }
  /** `allow`: the methods that the path accepts. */
  | { kind: 'refuse'; reason: RefusalReason; allow?: string };

export interface Judged {
  method: string;
  /** The request target as sent. */
  target: string;
  headers: IncomingHttpHeaders;
}

/** True when the headers announce a body (RFC 9112, 6.3). */
export function carriesBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** `actions` is null in development, where the build grows while it is used: there the form of an id is checked alone. */
export function judge({ method, target, headers }: Judged, actions: BuildActions | null): Verdict {
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

/** What is handed on for each kind of body, and what may be sent: the type alone, or with the one character set. */
export const CONTENT_TYPES = {
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
    // Next asks itself over HTTP for an action of another page. Without a session a page answers for its actions alone.
    if (actions && !(rule.session ? actions.has(id) : actions.isOn(id, pattern))) return refuse('unknown-action');
  } else if (headers['next-action'] !== undefined) {
    return refuse('unknown-action');
  }
  return Number(headers['content-length'] ?? 0) > rule.maxBytes ? refuse('too-large') : { kind: 'read', rule };
}

/** As Next 16 makes them: a byte of flags and a SHA-1. */
const ACTION_ID = /^[0-9a-f]{42}$/;
