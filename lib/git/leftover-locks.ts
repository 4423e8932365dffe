/**
 * Lock files that a killed git process left behind. Git never removes them itself, and every later command fails. A lock
 * is removed only when no running git process can hold it.
 */
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { processesUsing } from './running-git';

/** How long to wait for a running git process to release its lock. */
export const LOCK_WAIT_MS = 3_000;
const LOOK_AGAIN_MS = 100;
/** Folders with objects have no locks: `objects/ab`. A branch may have such a name, too: `refs/heads/fe/x`. */
const OBJECT_FOLDER = /[/\\]objects[/\\][0-9a-f]{2}$/;

export interface LockRemoval {
  /** Paths of the removed files. */
  removed: string[];
  /** A lock that stays, and the process that may hold it; `pid` null: processes can't be listed. */
  held: { path: string; pid: number | null } | null;
}

interface Lock {
  path: string;
  uid: number;
  /** Tells a new lock of the same name. */
  key: string;
}

/**
 * Removes leftover locks below a git directory. `folder`: where git processes that may hold them work (the working tree,
 * or the git directory of a bare repository).
 */
export async function removeLeftoverLocks(
  gitDir: string,
  folder: string,
  waitMs: number = LOCK_WAIT_MS,
): Promise<LockRemoval> {
  const until = performance.now() + waitMs;
  const removed: string[] = [];
  for (;;) {
    const { freed, held } = await removeOnce(await locksIn(gitDir), folder);
    removed.push(...freed);
    if (held === null || performance.now() >= until) return { removed, held };
    await new Promise((done) => setTimeout(done, LOOK_AGAIN_MS));
  }
}

async function removeOnce(
  locks: readonly Lock[],
  folder: string,
): Promise<{ freed: string[]; held: LockRemoval['held'] }> {
  const freed: string[] = [];
  let held: LockRemoval['held'] = null;
  for (const uid of new Set(locks.map((lock) => lock.uid))) {
    const holders = await processesUsing(folder, uid);
    for (const { path, key } of locks.filter((lock) => lock.uid === uid)) {
      if (holders === null || holders.length > 0) {
        held ??= { path, pid: holders?.[0] ?? null };
        continue;
      }
      // A process that started after the look has made a new one.
      if ((await lockAt(path))?.key !== key) continue;
      await rm(path, { force: true });
      freed.push(path);
    }
  }
  return { freed, held };
}

async function locksIn(folder: string): Promise<Lock[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found: Lock[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !OBJECT_FOLDER.test(path)) found.push(...(await locksIn(path)));
    // A reference can't have this ending (git-check-ref-format(1)).
    else if (entry.isFile() && entry.name.endsWith('.lock')) {
      const lock = await lockAt(path);
      if (lock !== null) found.push(lock);
    }
  }
  return found;
}

async function lockAt(path: string): Promise<Lock | null> {
  try {
    const { uid, ino, ctimeMs } = await lstat(path);
    return { path, uid, key: `${ino} ${ctimeMs}` };
  } catch {
    return null;
  }
}
