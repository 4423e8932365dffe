/**
 * The backups that starts make before they migrate: names, list and rotation. They lie in the folder of the scheduled
 * backups and do not count as such.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readBackup, type StoredBackup } from './backup-folder';
import { manifestName } from './backup-manifest';

/** How many of these backups are kept. */
export const UPDATE_BACKUPS_KEPT = 3;

const VERSION = '[0-9A-Za-z][0-9A-Za-z.+-]{0,63}';
const NAME = `before-${VERSION}-\\d{4}-\\d{2}-\\d{2}T\\d{2}-\\d{2}-\\d{2}-\\d{3}Z\\.db(?:\\.age)?`;
const WHOLE = new RegExp(`^${NAME}$`);
const COMPANION = new RegExp(`^(${NAME})\\.(?:json|txt)$`);
const UNFINISHED = new RegExp(`^\\.${NAME}(?:\\.json|\\.txt)?\\.\\d+\\.unfinished(?:-journal)?$`);

/** The name of the backup that `version` makes before it migrates; the time is in UTC. */
export function updateBackupName(version: string, at: number, encrypted: boolean): string {
  return `before-${version}-${new Date(at).toISOString().replace(/[:.]/g, '-')}.db${encrypted ? '.age' : ''}`;
}

/** The name of the text beside a backup, with the steps to go back. */
export function stepsName(file: string): string {
  return `${file}.txt`;
}

/** The whole backups of this kind in a folder, newest first. Empty without the folder. */
export function listUpdateBackups(folder: string): StoredBackup[] {
  return namesIn(folder)
    .filter((name) => WHOLE.test(name))
    .flatMap((name) => readBackup(join(folder, name)) ?? [])
    .sort((one, other) => other.createdAt - one.createdAt);
}

/**
 * The newest backup of this kind that a version can restore whose newest migration is `newestKnown` (epoch
 * milliseconds); null when there is none.
 */
export function newestUpdateBackup(folder: string, newestKnown: number): StoredBackup | null {
  return listUpdateBackups(folder).find(({ schema }) => schema <= newestKnown) ?? null;
}

/**
 * Removes all but the newest backups of this kind and `current`, which stays even if the clock was set back. Returns the
 * names of the removed ones.
 */
export function rotateUpdateBackups(folder: string, current: string, keep = UPDATE_BACKUPS_KEPT): string[] {
  const surplus = listUpdateBackups(folder)
    .filter(({ path }) => path !== current)
    .slice(keep - 1);
  for (const { path } of surplus) {
    // The manifest first: a half removed backup must not count as whole.
    for (const part of [manifestName(path), path, stepsName(path)]) rmSync(part, { force: true });
  }
  return surplus.map(({ file }) => file);
}

/**
 * Removes what a crash left: unfinished files, and backups without a manifest. Call it with the lock of the database,
 * so that no other start is making one.
 */
export function removeUnfinishedUpdateBackups(folder: string): void {
  for (const name of namesIn(folder)) {
    const [, file] = COMPANION.exec(name) ?? [];
    const isLeftover =
      UNFINISHED.test(name) ||
      (WHOLE.test(name) && !existsSync(join(folder, manifestName(name)))) ||
      (file !== undefined && !existsSync(join(folder, file)));
    if (isLeftover) rmSync(join(folder, name), { force: true });
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
