/** flake.lock: its hash, which the dashboard compares with the desired state, and its age. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CompartmentReport } from './compartments';

const DAY_MS = 86_400_000;
/** A lock older than this counts as outdated. Only its hash tells whether it is the desired one. */
const OLD_AFTER_DAYS = 7;

/** SHA-256 of `folder`/flake.lock in hex, or '' without one. Reads the file again only when its time, size or inode changed. */
export function createLockHash(folder: string): () => Promise<string> {
  const path = join(folder, 'flake.lock');
  let known = { key: '', hash: '' };
  return async () => {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const key = `${mtimeMs} ${size} ${ino}`;
      if (known.key !== key)
        known = {
          key,
          hash: createHash('sha256')
            .update(await readFile(path))
            .digest('hex'),
        };
    } catch {
      known = { key: '', hash: '' };
    }
    return known.hash;
  };
}

/** The report for the Lock compartment, from the time of the last commit that changed flake.lock (ISO 8601; '' if none). */
export function describeLockAge(committedAt: string, now: Date): CompartmentReport {
  const checkedAt = now.toISOString();
  const time = Date.parse(committedAt);
  if (Number.isNaN(time)) return { status: 'unknown', message: 'flake.lock not found', checkedAt };
  const days = Math.max(0, Math.floor((now.getTime() - time) / DAY_MS));
  const message = days === 0 ? 'Updated today' : `Updated ${days} ${days === 1 ? 'day' : 'days'} ago`;
  return { status: days > OLD_AFTER_DAYS ? 'outdated' : 'ok', message, checkedAt };
}
