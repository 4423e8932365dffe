/** Opens a database as a start of the dashboard does: locked, adopted if an older dashboard wrote it, then opened. */
import { lockDatabase, openLockedDatabase, type Db } from '../../sqlite/open-database';
import { adoptOldDatabase, type AdoptOptions } from '../adopt';
import type { AdoptionReport } from '../adopt-report';

export interface OpenAdoptingOptions extends AdoptOptions {
  onAdopted?: (report: AdoptionReport) => void;
}

/** Throws a DatabaseError. */
export function openAdopting(path: string, options: OpenAdoptingOptions): Db {
  const locked = lockDatabase(path, options.log);
  const report = adoptOldDatabase(locked, options);
  if (report) options.onAdopted?.(report);
  return openLockedDatabase(locked, options);
}
