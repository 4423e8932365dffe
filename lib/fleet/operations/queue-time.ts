/** How long a command may wait for its host to come back. */
const MINUTE_MS = 60_000;
/** How long a command waits for its host where nobody says otherwise. */
export const DEFAULT_QUEUE_MS = 24 * 60 * MINUTE_MS;
export const MIN_QUEUE_MS = 5 * MINUTE_MS;
export const MAX_QUEUE_MS = 7 * 24 * 60 * MINUTE_MS;

/** A time to wait, within its bounds. */
export function queueMs(asked: number): number {
  return Math.min(Math.max(asked, MIN_QUEUE_MS), MAX_QUEUE_MS);
}
