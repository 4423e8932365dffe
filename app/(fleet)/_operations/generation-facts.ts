/** What the list of generations derives from a generation. Pure. */
import type { SystemGeneration } from '@/lib/fleet/records/generations-record';

/** It runs and is the boot default: there is nothing to switch. */
export function isInUse({ runs, nextBoot }: Pick<SystemGeneration, 'runs' | 'nextBoot'>): boolean {
  return runs && nextBoot;
}

/** A commit in seven digits, with what follows its digits: `3c9a808-dirty`. Any other text stays as it is. */
export function shortRevision(revision: string): string {
  return revision.replace(/^([0-9a-f]{7})[0-9a-f]{0,57}(?=-|$)/, '$1');
}
