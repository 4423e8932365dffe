/**
 * Recognises flake updates by what they change: anybody who may open a pull request chooses its title, labels and branch.
 * A merge decides what runs as root on every host, so an update may change only the lock. Pure.
 */
import { plainText } from '@/lib/text/plain-text';
import type { ChangedFile, PullRequest } from './forge';

const LABELS = new Set(['automated', 'dependencies']);
const TITLE = /flake\.lock|\b(?:update|bump) flake/i;
const MAX_NAMED = 3;

export interface UpdateRule {
  /** The branch that the fleet follows. */
  base: string;
  /** The path of the fleet's flake.lock in the repository. */
  lockFile: string;
  /** Files beside flake.lock that an update may change. */
  files: readonly string[];
  /** Whether it may come from another repository. */
  forks: boolean;
}

/** Whether it looks like an update by its label or title. If it is none, a hint says why. */
export function looksLikeUpdate(pull: PullRequest): boolean {
  return pull.labels.some((label) => LABELS.has(label.toLowerCase())) || TITLE.test(pull.title);
}

/** Update tools renew every lock file of a repository at once, those of templates and nested flakes too. */
const isLockFile = (path: string): boolean => path.slice(path.lastIndexOf('/') + 1) === 'flake.lock';

/** Why a pull request may not be merged here as a flake update, as the end of "… can't be merged here: "; or null. */
export function notUpdateReason(
  pull: PullRequest,
  changed: { files: readonly ChangedFile[]; isComplete: boolean },
  rule: UpdateRule,
): string | null {
  if (pull.base !== rule.base) return `it targets ${pull.base}, but the fleet follows ${rule.base}`;
  if (pull.isFromFork && !rule.forks) {
    return 'it comes from another repository (NIXFLEET_UPDATE_FORKS=true would allow that)';
  }
  const lock = changed.files.find(({ path }) => path === rule.lockFile);
  if (lock === undefined) return `it does not change ${rule.lockFile}`;
  if (lock.removed) return `it removes ${rule.lockFile}`;
  const allowed = new Set(rule.files);
  const others = changed.files
    .filter(({ path, removed }) => !allowed.has(path) && (removed || !isLockFile(path)))
    .map(({ path }) => plainText(path, 120));
  if (others.length > 0) return `it also changes ${listed(others)} (NIXFLEET_UPDATE_FILES would allow that)`;
  return changed.isComplete ? null : 'it changes too many files to check';
}

function listed(names: readonly string[]): string {
  const named = names.slice(0, MAX_NAMED).join(', ');
  return names.length > MAX_NAMED ? `${named} and ${names.length - MAX_NAMED} more files` : named;
}
