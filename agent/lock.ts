/** flake.lock: its hash, which the dashboard compares with the desired state, and its age. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LOCK_CHANGED } from '@/lib/protocol/agent/lock-hash';
import type { CompartmentReport } from './compartments';
import type { Repository } from './repository';

const DAY_MS = 86_400_000;
/** A lock older than this counts as outdated. Only its hash tells whether it is the desired one. */
const OLD_AFTER_DAYS = 7;

/**
 * SHA-256 of flake.lock at HEAD in hex; `LOCK_CHANGED` where the file is changed and not committed; '' without one. Asks
 * git again only when the file, HEAD or the index changed.
 */
export function createLockHash(
  repository: Pick<Repository, 'dir' | 'headKey' | 'committedLock'>,
  lockFile: string,
): () => Promise<string> {
  const path = join(repository.dir, lockFile);
  let known = { key: '', hash: '' };
  return async () => {
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const headKey = repository.headKey();
      const key = headKey === '' ? '' : `${mtimeMs} ${size} ${ino} ${headKey ?? ''}`;
      if (key === '' || known.key !== key) {
        const { hash, isSure } = await read(headKey !== null);
        known = { key: isSure ? key : '', hash };
      }
    } catch {
      known = { key: '', hash: '' };
    }
    return known.hash;
  };

  /** Not sure: git did not answer, so it is asked again the next time. */
  async function read(hasRepository: boolean): Promise<{ hash: string; isSure: boolean }> {
    const committed = hasRepository ? await repository.committedLock() : null;
    if (committed === 'changed') return { hash: LOCK_CHANGED, isSure: true };
    // Without git the file itself is all there is.
    const content = committed ?? (await readFile(path));
    const hash = createHash('sha256').update(content).digest('hex');
    return { hash, isSure: committed !== null || !hasRepository };
  }
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

/** The report for a lock that is changed and not committed. */
export const lockChanged = (now: Date): CompartmentReport => ({
  status: 'outdated',
  message: 'flake.lock is changed and not committed',
  checkedAt: now.toISOString(),
});
