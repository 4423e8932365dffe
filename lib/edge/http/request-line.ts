/**
 * Bounds on the request line and headers. Next and its libraries take time that grows with the square of some of them:
 * a `User-Agent` of 15,000 letters and a query with 7,000 fields each blocked the event loop for seconds.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { RefusalReason } from '@/lib/protocol/http/request-refusals';

/** The longest address of this dashboard is a filtered activity, with a few hundred characters. */
export const MAX_TARGET_LENGTH = 2_048;
export const MAX_QUERY_FIELDS = 32;
/** Browsers send fewer than 300 characters. */
export const MAX_USER_AGENT_LENGTH = 512;

/** Why a request target (RFC 9112, 3.2) is refused, or null. Pages are requested in origin form. */
export function targetProblem(target: string): RefusalReason | null {
  if (target.length > MAX_TARGET_LENGTH) return 'address-too-long';
  if (!target.startsWith('/') || target.startsWith('//')) return 'unknown-address';
  let fields = 1;
  for (let at = target.indexOf('&'); at >= 0; at = target.indexOf('&', at + 1)) fields += 1;
  return fields > MAX_QUERY_FIELDS ? 'address-too-long' : null;
}

/** Truncates a long `User-Agent` in place: patterns read it, and it is stored. */
export function cutUserAgent(headers: IncomingHttpHeaders): void {
  const userAgent = headers['user-agent'];
  if (userAgent !== undefined) headers['user-agent'] = userAgent.slice(0, MAX_USER_AGENT_LENGTH);
}
