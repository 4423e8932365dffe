/** The foundation of the dashboard: configuration, log, data folder, database and secrets. */
import { loadSecrets, type Secrets } from '@/lib/auth/secrets';
import { finishRestore } from '@/lib/store/backup/backup-contents';
import { readConfig, type Config } from '@/lib/config';
import { requireDataFolder } from './data-folder';
import { adoptOldDatabase } from '@/lib/store/adopt/adopt';
import { printAdoption } from '@/lib/store/adopt/adopt-report';
import { lockDatabase, openLockedDatabase, type Db } from '@/lib/store/sqlite/open-database';
import { createLog, type Log } from '@/lib/log';

export interface Foundation {
  config: Config;
  log: Log;
  db: Db;
  secrets: Secrets;
}

/**
 * Reads the environment and opens the data folder; adopts the database of an older dashboard. Throws with messages that
 * say what to do.
 */
export function createFoundation(): Foundation {
  const read = readConfig(process.env);
  if (!read.ok) {
    throw new Error(['the configuration is invalid:', ...read.problems.map((problem) => `  - ${problem}`)].join('\n'));
  }
  const { config, warnings } = read;
  const log = createLog(config.logLevel);
  for (const warning of warnings) log.warn(warning);

  requireDataFolder(config.dataDir);
  // The lock is held from here until the database is closed: no other dashboard gets between adopting and opening.
  const locked = lockDatabase(config.dbPath, log);
  const report = adoptOldDatabase(locked, { log });
  if (report) printAdoption(report);
  const db = openLockedDatabase(locked, { log });
  finishRestore(db.$client, config.secretsDir, Date.now());
  const { secrets, warnings: permissionWarnings } = loadSecrets(config.dataDir, config);
  for (const warning of permissionWarnings) log.warn(warning);
  return { config, log, db, secrets };
}
