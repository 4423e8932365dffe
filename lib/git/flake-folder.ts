/** The folder of the flake in the configuration repository: one rule for the dashboard and the agent. */
import { withoutTrailingSlashes } from '@/lib/text/trailing-slashes';

/** A path from the root of the repository, without `./` and slashes at its ends; null where it can't be one. */
export function flakeFolderOf(written: string): string | null {
  const path = withoutTrailingSlashes(written.replace(/^\.\/+/, ''));
  if (path === '' || path === '.') return written.startsWith('/') ? null : '';
  // "?", "#" and "%" have a meaning in flake references, and a leading "-" in arguments.
  if (/[\\?#%"\p{Cc}]|^-/u.test(path)) return null;
  return path.split('/').every((part) => !['', '.', '..', '.git'].includes(part)) ? path : null;
}

/** The lock file of the flake in that folder. */
export const lockFileIn = (flakeDir: string): string => (flakeDir === '' ? 'flake.lock' : `${flakeDir}/flake.lock`);
