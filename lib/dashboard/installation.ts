/** Finds out how this dashboard is installed, to name commands that work there. */
import { fileURLToPath } from 'node:url';
import type { Installation } from '@/lib/store/backup/going-back';
import { inContainer } from './data-folder';

export function findInstallation(
  program: string = fileURLToPath(import.meta.url),
  contained: boolean = inContainer(),
): Installation {
  if (contained) return 'container';
  return program.startsWith('/nix/store/') ? 'nix' : 'plain';
}
