/**
 * The reasons for refusing an HTTP request before it reaches a page: a closed list, for the answer, for metrics, and for
 * the page that sent an action and shows the sentence.
 */

export interface RequestRefusal {
  /** HTTP status (RFC 9110, 15.5). */
  status: number;
  /** What was wrong and what to do. */
  sentence: string;
}

const REFUSALS = {
  'unknown-address': {
    status: 400,
    sentence: 'This is not an address of the dashboard: a path begins with one slash.',
  },
  'unexpected-body': {
    status: 400,
    sentence: 'A request with this method must not have a body here. Send it without one.',
  },
  malformed: { status: 400, sentence: 'The body of the request can’t be read. Reload the page and try again.' },
  'too-deep': {
    status: 400,
    sentence: 'The body is nested deeper than any page sends. Reload the page and try again.',
  },
  'too-many-values': {
    status: 400,
    sentence: 'The body contains more values than any page sends. Select fewer at once.',
  },
  'too-many-pieces': {
    status: 400,
    sentence: 'The body arrives in more pieces than any browser sends. Check the proxy, or send the body in one piece.',
  },
  'signed-out': { status: 401, sentence: 'Your session has ended: sign in again.' },
  'foreign-origin': {
    status: 403,
    sentence:
      'Pages at this address may not do this. Open the dashboard at its public address, or add this one to ' +
      'NIXFLEET_ALLOWED_ORIGINS.',
  },
  'unknown-path': { status: 404, sentence: 'Nothing at this address accepts such a request.' },
  'unknown-action': {
    status: 404,
    sentence: 'This version of the dashboard does not have this action. Reload the page and try again.',
  },
  'wrong-method': {
    status: 405,
    sentence: 'This address does not accept this method. The Allow header lists the methods that it accepts.',
  },
  'too-slow': {
    status: 408,
    sentence: 'The body of the request took too long to arrive. Check the connection and try again.',
  },
  gone: {
    status: 410,
    sentence: 'This address of an earlier NixFleet is gone. The documents say what to use instead.',
  },
  'too-large': { status: 413, sentence: 'The request is larger than this address accepts. Select fewer at once.' },
  'address-too-long': {
    status: 414,
    sentence: 'The address is longer, or has more parameters, than any page of the dashboard needs. Shorten it.',
  },
  'wrong-type': {
    status: 415,
    sentence: 'This address does not accept a body of this content type. Reload the page and try again.',
  },
  'too-many-at-once': { status: 429, sentence: 'Too many requests are in progress. Try again in a moment.' },
  pipelined: {
    status: 429,
    sentence: 'One request at a time on each connection: wait for the answer before the next one.',
  },
  'queue-full': {
    status: 503,
    sentence: 'Too many requests are waiting. Try again in a moment.',
  },
  unavailable: {
    status: 503,
    sentence: 'The dashboard can’t look up your session now. Its log says why. Try again in a moment.',
  },
} as const satisfies Record<string, RequestRefusal>;

export type RefusalReason = keyof typeof REFUSALS;

export const REFUSAL_REASONS: readonly RefusalReason[] = Object.keys(REFUSALS).filter(
  (reason): reason is RefusalReason => reason in REFUSALS,
);

export const refusalOf = (reason: RefusalReason): RequestRefusal => REFUSALS[reason];

/** The reason for a sentence of this list; null for any other text. */
export function reasonOfSentence(sentence: string): RefusalReason | null {
  return REFUSAL_REASONS.find((reason) => REFUSALS[reason].sentence === sentence) ?? null;
}
