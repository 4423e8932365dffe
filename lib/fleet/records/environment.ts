/** The clocks and the log, which the fleet receives as arguments. */

export interface FleetLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface Clock {
  /** Milliseconds since 1970, for people and for what is stored; may step either way. */
  now(): number;
  /** Calls back once after at least `ms`; returns the cancel function. */
  after(ms: number, callback: () => void): () => void;
}

/**
 * Time in which the process could read what its peers sent: it stops while the event loop is blocked, and setting the wall
 * clock does not move it. Waits for a sign of life are measured in it.
 */
export interface LoopTime {
  /** Milliseconds from an arbitrary start; never goes back. */
  now(): number;
  /** Calls back once when `ms` have passed and everything that arrived by then was read; returns the cancel function. */
  after(ms: number, callback: () => void): () => void;
  /** Calls back once when everything that has arrived by now was read; returns the cancel function. */
  afterRead(callback: () => void): () => void;
}
