/**
 * Bounds on what a request says before its body. Next and its libraries do work that grows with the square of some of
 * it: a `User-Agent` of 15,000 letters and a query with 7,000 fields held the event loop for seconds each.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { RefusalReason } from '@/lib/protocol/request-refusals';

/** The longest address of this dashboard is a filtered activity, with some hundred characters. */
export const MAX_TARGET_LENGTH = 2_048;
export const MAX_QUERY_FIELDS = 32;
/** What browsers send has below 300 characters. */
export const MAX_USER_AGENT_LENGTH = 512;

/** Why a request target (RFC 9112, 3.2) is refused; null when it is not. Pages are asked for in origin form. */
export function targetProblem(target: string): RefusalReason | null {
  if (target.length > MAX_TARGET_LENGTH) return 'address-too-long';
  if (!target.startsWith('/') || target.startsWith('//')) return 'unknown-address';
  let fields = 1;
  for (let at = target.indexOf('&'); at >= 0; at = target.indexOf('&', at + 1)) fields += 1;
  return fields > MAX_QUERY_FIELDS ? 'address-too-long' : null;
}

/** Cuts a long `User-Agent` in place: it is looked at by patterns, and kept as text. */
export function cutUserAgent(headers: IncomingHttpHeaders): void {
  const given = headers['user-agent'];
  if (given !== undefined) headers['user-agent'] = given.slice(0, MAX_USER_AGENT_LENGTH);
}
