/** The options of the backup before an update, for an installation in one folder. */
import { join } from 'node:path';
import type { Log } from '@/lib/log';
import type { UpdateBackupOptions } from '../update-backup';

export function updateOptions(folder: string, log: Log): UpdateBackupOptions {
  return {
    secretsFolder: join(folder, 'secrets'),
    folder: join(folder, 'backups'),
    key: null,
    version: '4.1.0',
    installation: 'plain',
    required: true,
    log,
    now: () => Date.now(),
  };
}
