/** The desk of backups as the dashboard runs it. */
import type { Clock, FleetLog } from '@/lib/fleet/ports';
import type { NewEvent } from '@/lib/fleet/records';
import { BackupDesk } from './desk';
import { listBackups } from './folder';
import { startBackup } from './program';

export function createBackupDesk(options: {
  config: { backupIntervalMs: number; backupDir: string; backupCopyDir: string | null; backupKey: string | null };
  /** What the program of backups is configured by. */
  env: NodeJS.ProcessEnv;
  clock: Clock;
  log: FleetLog;
  record: (event: NewEvent) => void;
  notify: (message: string | null) => void;
}): BackupDesk {
  const { config, env, ...rest } = options;
  return new BackupDesk({
    ...rest,
    intervalMs: config.backupIntervalMs,
    folder: config.backupDir,
    copyFolder: config.backupCopyDir,
    encrypted: config.backupKey !== null,
    list: () => listBackups(config.backupDir),
    begin: () => startBackup(env),
  });
}
