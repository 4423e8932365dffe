/** Creates the backup service of the dashboard from its configuration. */
import { BackupService } from './backup-service';
import { listBackups } from './backup-folder';
import { startBackup } from './backup-process';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { Clock, FleetLog } from '@/lib/fleet/records/environment';

export function createBackupService(options: {
  config: { backupIntervalMs: number; backupDir: string; backupCopyDir: string | null; backupKey: string | null };
  /** Environment of the backup program, which configures it. */
  env: NodeJS.ProcessEnv;
  clock: Clock;
  log: FleetLog;
  record: (event: NewEvent) => void;
  notify: (message: string | null) => void;
}): BackupService {
  const { config, env, ...rest } = options;
  return new BackupService({
    ...rest,
    intervalMs: config.backupIntervalMs,
    folder: config.backupDir,
    copyFolder: config.backupCopyDir,
    encrypted: config.backupKey !== null,
    list: () => listBackups(config.backupDir),
    begin: () => startBackup(env),
  });
}
