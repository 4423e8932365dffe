/** How long a command may stay queued for a host that is offline. */
const MINUTE_MS = 60_000;
/** Used when the request does not say how long. */
export const DEFAULT_QUEUE_MS = 24 * 60 * MINUTE_MS;
export const MIN_QUEUE_MS = 5 * MINUTE_MS;
export const MAX_QUEUE_MS = 7 * 24 * 60 * MINUTE_MS;

/** A queue time (ms) within its bounds. */
export function queueMs(requestedMs: number): number {
  return Math.min(Math.max(requestedMs, MIN_QUEUE_MS), MAX_QUEUE_MS);
}
