/** One round of backing up: make, copy to the second place, remove what is beyond the number to keep. */
import { z } from 'zod';
import { copyBackup } from './copy-backup';
import { createBackup, type BackupOptions } from './create-backup';
import { rotateBackups, type StoredBackup } from './backup-folder';

export interface BackupRound extends BackupOptions {
  keep: number;
  /** A second folder, or null. */
  copyFolder: string | null;
}

/** What a round came to, as the process that ran it says it to the one that asked. */
export const roundResultSchema = z.object({
  file: z.string(),
  bytes: z.number(),
  createdAt: z.number(),
  /** Sentences on what is to be mended although the backup is good. */
  warnings: z.array(z.string()),
});

export type RoundResult = z.infer<typeof roundResultSchema>;

/** Throws when there is no new good backup. A failed copy or a broken chain of events is a warning. */
export async function runBackupRound(round: BackupRound): Promise<{ backup: StoredBackup; warnings: string[] }> {
  const { folder, copyFolder, keep, now } = round;
  const backup = await createBackup(round);
  const warnings: string[] = [];
  if (backup.chainProblems.length > 0) {
    warnings.push(`The chain of events does not hold: ${backup.chainProblems.join(' ')}`);
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
