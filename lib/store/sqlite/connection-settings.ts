import type Sqlite from 'better-sqlite3';

/** How long a statement waits while another connection writes (a backup tool, `sqlite3` in a terminal). */
export const BUSY_TIMEOUT_MS = 5_000;

/** Sets what SQLite does not store in the file, on each connection that writes. */
export function setSafePragmas(client: Sqlite.Database): void {
  // Not NORMAL: that may lose the last commits on a power failure.
  client.pragma('synchronous = FULL');
  client.pragma('foreign_keys = ON');
  client.pragma('trusted_schema = OFF');
}
