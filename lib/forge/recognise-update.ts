/**
 * Recognises flake updates. Stricter than the reference dashboard, which accepts any label or title and merges any
 * number: a merge decides what runs as root on every host, so an update may change only the lock. Pure.
 */
import { plainText } from '@/lib/text/plain-text';
import type { ChangedFile, PullRequest } from './forge';

export const LOCK_FILE = 'flake.lock';
const LABELS = new Set(['automated', 'dependencies']);
const TITLE = /flake\.lock|\b(?:update|bump) flake/i;
const MAX_NAMED = 3;

export interface UpdateRule {
  /** The branch that the fleet follows. */
  base: string;
  /** Files beside flake.lock that an update may change. */
  files: readonly string[];
  /** Whether it may come from another repository. */
  forks: boolean;
}

/** Whether it looks like an update by its label or title, as update tools set them. */
export function looksLikeUpdate(pull: PullRequest): boolean {
  return pull.labels.some((label) => LABELS.has(label.toLowerCase())) || TITLE.test(pull.title);
}

/** Why a pull request may not be merged here as a flake update, as the end of "… can't be merged here: "; or null. */
export function notUpdateReason(
  pull: PullRequest,
  changed: { files: readonly ChangedFile[]; isComplete: boolean },
  rule: UpdateRule,
): string | null {
  if (pull.base !== rule.base) return `it targets ${pull.base}, but the fleet follows ${rule.base}`;
  if (!looksLikeUpdate(pull)) {
    return 'neither its labels (automated, dependencies) nor its title (flake.lock, "update flake", "bump flake") mark it as a flake update';
  }
  if (pull.isFromFork && !rule.forks) {
    return 'it comes from another repository (NIXFLEET_UPDATE_FORKS=true would allow that)';
  }
  const lock = changed.files.find(({ path }) => path === LOCK_FILE);
  if (lock === undefined) return `it does not change ${LOCK_FILE}`;
  if (lock.removed) return `it removes ${LOCK_FILE}`;
  const allowed = new Set([LOCK_FILE, ...rule.files]);
  const others = changed.files.filter(({ path }) => !allowed.has(path)).map(({ path }) => plainText(path, 120));
  if (others.length > 0) return `it also changes ${listed(others)} (NIXFLEET_UPDATE_FILES would allow that)`;
  return changed.isComplete ? null : 'it changes too many files to check';
}

function listed(names: readonly string[]): string {
  const named = names.slice(0, MAX_NAMED).join(', ');
  return names.length > MAX_NAMED ? `${named} and ${names.length - MAX_NAMED} more files` : named;
}
