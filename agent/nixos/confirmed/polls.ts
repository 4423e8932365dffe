/** How a confirmed switch follows what nixfleet-root does. */

export const POLL_MS = 200;
/** nixfleet-root is asked once in so many polls: its files say everything except that it was killed. */
export const STATE_POLLS = 50;
/** Answers in a row without a state, after which it counts as lost. */
export const MAX_UNKNOWN = 24;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
