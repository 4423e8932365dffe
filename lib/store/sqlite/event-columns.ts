/** Which columns the table of events has: `nixfleet` reads and restores databases that are not migrated yet. */
import type Sqlite from 'better-sqlite3';

export interface EventColumns {
  /** Since 4.1.0: rows name the version of their encoding. Without it, all are of version 1. */
  hasEncoding: boolean;
  /** Rows name their chain. Without it, there is the chain `main` only. */
  hasChain: boolean;
}

/** The columns that a database has. Works with every schema since 4.0.0. */
export function eventColumns(client: Sqlite.Database): EventColumns {
  const columns = client.prepare<[], string>("select name from pragma_table_info('events')").pluck().all();
  return { hasEncoding: columns.includes('encoding'), hasChain: columns.includes('chain') };
}
