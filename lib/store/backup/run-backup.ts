/** One backup round: make a backup, copy it to the second folder, remove backups beyond the number to keep. */
import { z } from 'zod';
import { copyBackup } from './copy-backup';
import { createBackup, type BackupOptions } from './create-backup';
import { rotateBackups, type StoredBackup } from './backup-folder';

export interface BackupRound extends BackupOptions {
  keep: number;
  /** A second folder, or null. */
  copyFolder: string | null;
}

/** The result of a round, as the backup process prints it for the dashboard. */
export const roundResultSchema = z.object({
  file: z.string(),
  bytes: z.number(),
  createdAt: z.number(),
  /** Problems to solve although the backup is good; sentences. */
  warnings: z.array(z.string()),
});

export type RoundResult = z.infer<typeof roundResultSchema>;

/** Throws when no good backup was made. A failed copy or a broken chain of events is a warning. */
export async function runBackupRound(round: BackupRound): Promise<{ backup: StoredBackup; warnings: string[] }> {
  const { folder, copyFolder, keep, now } = round;
  const warnings: string[] = [];
  const onForeign = (found: readonly string[]) => {
    const what = found.join(' ');
    warnings.push(
      `A restore would refuse this backup, because the tables of the database are not as NixFleet makes them: ${what}`,
    );
  };
  const backup = await createBackup({ ...round, onForeign });
  if (backup.chainProblems.length > 0) {
    warnings.push(`The chain of events is not intact: ${backup.chainProblems.join(' ')}`);
  }
  rotateBackups(folder, keep, now());
  if (copyFolder !== null) {
    try {
      await copyBackup(backup, copyFolder);
      rotateBackups(copyFolder, keep, now());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      warnings.push(`The backup could not be copied to ${copyFolder}: ${why}`);
    }
  }
  return { backup, warnings };
}
