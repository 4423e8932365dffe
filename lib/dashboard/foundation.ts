/** The foundation of the dashboard: configuration, log, data folder, database and secrets. */
import { loadSecrets, type Secrets } from '@/lib/auth/secrets';
import { finishRestore } from '@/lib/store/backup/backup-contents';
import { backUpBeforeUpdate, wayBack } from '@/lib/store/backup/update-backup';
import { readConfig, type Config, type UnusedValue } from '@/lib/config';
import { requireDataFolder } from './data-folder';
import { findInstallation } from './installation';
import { adoptOldDatabase } from '@/lib/store/adopt/adopt';
import { printAdoption } from '@/lib/store/adopt/adopt-report';
import { lockDatabase, openLockedDatabase } from '@/lib/store/sqlite/open-database';
import { openInThread } from '@/lib/store/thread/open-in-thread';
import type { StoreEngine } from '@/lib/store/thread/store-engine';
import { recordVersion } from '@/lib/store/sqlite/last-version';
import { createLog, type Log } from '@/lib/log';
import { VERSION } from '@/lib/version';

export interface Foundation {
  config: Config;
  /** What an earlier version accepted and this one does not use as written. */
  unused: readonly UnusedValue[];
  log: Log;
  /** The store, while its threads start. */
  opening: Promise<StoreEngine>;
  secrets: Secrets;
}

/**
 * Reads the environment and opens the data folder; adopts the database of an older dashboard, and backs up that of an
 * earlier version before migrating it. Throws with messages that say what to do.
 */
export async function createFoundation(): Promise<Foundation> {
  const read = readConfig(process.env);
  if (!read.ok) {
    throw new Error(['the configuration is invalid:', ...read.problems.map((problem) => `  - ${problem}`)].join('\n'));
  }
  const { config, warnings, unused } = read;
  const log = createLog(config.logLevel);
  for (const warning of warnings) log.warn(warning);

  requireDataFolder(config.dataDir);
  // The lock is held from here until the database is closed: no other dashboard gets between adopting and opening.
  const locked = lockDatabase(config.dbPath, log);
  const report = adoptOldDatabase(locked, { log });
  if (report) printAdoption(report);
  const installation = findInstallation();
  // An adoption keeps its own copy of the old file, and leaves nothing to migrate.
  await backUpBeforeUpdate(locked, {
    secretsFolder: config.secretsDir,
    folder: config.backupDir,
    key: config.backupKey,
    version: VERSION,
    installation,
    required: config.backupBeforeUpdate,
    log,
    now: () => Date.now(),
  });
  const db = openLockedDatabase(locked, {
    log,
    wayBack: (newestKnown) => wayBack(config.backupDir, newestKnown, installation),
  });
  finishRestore(db.$client, config.secretsDir, Date.now());
  recordVersion(db.$client, VERSION, Date.now());
  const { secrets, warnings: permissionWarnings } = loadSecrets(config.dataDir, config);
  for (const warning of permissionWarnings) log.warn(warning);
  return { config, unused, log, opening: openInThread(db, { log }), secrets };
}
