/** The clocks and the log that the fleet is given: it has none of its own. */

export interface FleetLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface Clock {
  /** Milliseconds since 1970, for people and for what is stored; may step either way. */
  now(): number;
  /** Calls back once after at least `ms`; returns the way to cancel. */
  after(ms: number, callback: () => void): () => void;
}

/**
 * Time in which the process could read what its peers sent: it stands still while the event loop is held, and no step of
 * the wall clock moves it. Whoever waits for a sign of life measures in it.
 */
export interface LoopTime {
  /** Milliseconds, from any beginning; never goes back. */
  now(): number;
  /** Calls back once when `ms` have passed and what had arrived by then was read; returns the way to cancel. */
  after(ms: number, callback: () => void): () => void;
  /** Calls back once when what has arrived by now was read; returns the way to cancel. */
  afterRead(callback: () => void): () => void;
}
