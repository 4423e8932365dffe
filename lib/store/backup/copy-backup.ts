/** Copies backups to a second folder: a copy counts once its content was read back. */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PRIVATE_FOLDER, publishFile, sha256OfFile, unfinishedPath, writeWhole } from './backup-files';
import type { StoredBackup } from './backup-folder';
import { manifestName } from './backup-manifest';
import { BackupProblem } from './backup-problem';

/** Copies a finished backup with its manifest. Throws when the copy differs from the original. */
export async function copyBackup({ path, ...manifest }: StoredBackup, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: PRIVATE_FOLDER });
  const target = join(folder, manifest.file);
  const unfinished = unfinishedPath(target);
  try {
    copyFileSync(path, unfinished);
    if ((await sha256OfFile(unfinished)) !== manifest.sha256) {
      throw new BackupProblem(`The copy of ${manifest.file} in ${folder} differs from the original: check that disk.`);
    }
    publishFile(unfinished, target);
    writeWhole(manifestName(target), `${JSON.stringify(manifest, null, 2)}\n`);
  } finally {
    rmSync(unfinished, { force: true });
  }
}
