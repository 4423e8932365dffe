/** The backup folder: lists the good backups and removes old ones. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Witness } from '@/lib/store/sqlite/audit';
import { UNFINISHED_SUFFIX } from './backup-files';
import { isBackupName, manifestName, parseManifest, type BackupManifest } from './backup-manifest';

/** No backup takes longer: an older unfinished file was left by a crash. */
export const MAX_BACKUP_MS = 2 * 3_600_000;

export interface StoredBackup extends BackupManifest {
  path: string;
}

/**
 * The backups in a folder that were checked when they were made and still have their size, newest first. Empty without
 * the folder.
 */
export function listBackups(folder: string): StoredBackup[] {
  const found: StoredBackup[] = [];
  for (const name of namesIn(folder)) {
    if (!isBackupName(name)) continue;
    const backup = readBackup(join(folder, name));
    if (backup) found.push(backup);
  }
  return found.sort((one, other) => other.createdAt - one.createdAt);
}

/** A file with the manifest beside it; null when there is none, or when it does not match the file. */
export function readBackup(path: string): StoredBackup | null {
  try {
    const manifest = parseManifest(readFileSync(manifestName(path), 'utf8'));
    return manifest !== null && statSync(path).size === manifest.bytes ? { ...manifest, path } : null;
  } catch {
    return null;
  }
}

/** The newest events of each backup in a folder, as witnesses of the chains of events. */
export function backupWitnesses(folder: string): Witness[] {
  return listBackups(folder).flatMap(({ file, createdAt, head, peersHead = null }) => {
    const noted = { source: `the backup ${file}`, at: createdAt };
    return [
      ...(head ? [{ ...noted, chain: 'main' as const, ...head }] : []),
      ...(peersHead ? [{ ...noted, chain: 'peers' as const, ...peersHead }] : []),
    ];
  });
}

/** Removes all but the newest `keep` good backups, and files that crashes left. Returns the names of the removed backups. */
export function rotateBackups(folder: string, keep: number, now: number): string[] {
  const good = listBackups(folder);
  const surplus = good.slice(keep);
  for (const { path } of surplus) {
    // The manifest first: a half removed backup must not count as good.
    rmSync(manifestName(path), { force: true });
    rmSync(path, { force: true });
  }
  for (const name of namesIn(folder)) {
    if (!isLeftover(folder, name)) continue;
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat && now - stat.mtimeMs > MAX_BACKUP_MS) rmSync(path, { force: true });
  }
  return surplus.map(({ file }) => file);
}

/** A backup without its manifest, a manifest without its backup, or an unfinished file. */
function isLeftover(folder: string, name: string): boolean {
  if (name.startsWith('.nixfleet-') && name.endsWith(UNFINISHED_SUFFIX)) return true;
  if (isBackupName(name)) return !existsSync(join(folder, manifestName(name)));
  const file = name.replace(/\.json$/, '');
  return file !== name && isBackupName(file) && !existsSync(join(folder, file));
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
