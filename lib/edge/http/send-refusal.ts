/** The answer to a request that was refused before it reached a page. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendRefusing } from './json-http';
import { refusalOf, type RefusalReason } from '@/lib/protocol/http/request-refusals';

/** Seconds to wait after `too-many-at-once` and `unavailable`. */
export const RETRY_AFTER_S = 2;

/**
 * Answers in the form that the client can read: an action's page shows text as its error, the sign-in form reads an
 * address, and others get JSON. A connection with an unread body is closed after the answer.
 */
export function sendRefusal(
  request: IncomingMessage,
  response: ServerResponse,
  reason: RefusalReason,
  headers: Readonly<Record<string, string>> = {},
  onBytes?: (count: number) => void,
): void {
  const { status, sentence } = refusalOf(reason);
  const isAction = request.headers['next-action'] !== undefined;
  const answer = {
    status,
    // Next's client accepts exactly this type, without parameters.
    type: isAction ? 'text/plain' : 'application/json',
    text: isAction ? sentence : JSON.stringify({ error: sentence, url: signInAddress(request, reason) }),
    headers: { ...headers, ...(reason === 'unknown-action' ? { 'x-nextjs-action-not-found': '1' } : {}) },
  };
  sendRefusing(request, response, answer, onBytes);
}

/** The address from which the sign-in form reads its answer (`lib/auth/next/sign-in-error.ts`). */
function signInAddress({ url, headers: { origin } }: IncomingMessage, reason: RefusalReason): string | undefined {
  if (!url?.startsWith('/api/auth/') || origin === undefined || !URL.canParse(origin)) return undefined;
  const code =
    reason === 'foreign-origin'
      ? 'wrong-origin'
      : reason === 'too-many-at-once'
        ? `throttled-${RETRY_AFTER_S}`
        : reason === 'too-large'
          ? 'refused'
          : 'failed';
  return `${new URL(origin).origin}/login?error=${code}`;
}
