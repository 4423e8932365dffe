/** Sentences about a flake update. Pure. */
import type { Tone } from '@/app/_ui/badge';
import { FULL_COMMIT } from '@/lib/git/commit-id';
import type {
  ChecksView,
  FlakeUpdateView,
  ForgeKind,
  InputChangeView,
  LockedInputView,
} from '@/lib/protocol/live/views/flake-update-view';

export const FORGE_NAMES: Record<ForgeKind, string> = { none: 'the forge', github: 'GitHub', forgejo: 'Forgejo' };

/** Inputs named in the one line of the panel. */
const MAX_NAMED = 3;

/** "nixpkgs, home-manager and 3 more change". */
export function changeSentence({ inputs, moreInputs, inputsProblem }: FlakeUpdateView): string {
  if (inputsProblem !== '') return 'The changes are unknown';
  if (inputs.length === 0) return 'No inputs change';
  const named = inputs.slice(0, MAX_NAMED).map(({ name }) => name);
  const more = inputs.length - named.length + moreInputs;
  const all = more > 0 ? [...named, `${more} more`] : named;
  const last = all.pop() ?? '';
  const list = all.length > 0 ? `${all.join(', ')} and ${last}` : last;
  return `${list} ${inputs.length + moreInputs === 1 ? 'changes' : 'change'}`;
}

export function checksWords({ status, passed, running, failed }: ChecksView): { tone: Tone; text: string } {
  switch (status) {
    case 'passed':
      return { tone: 'ok', text: passed === 1 ? '1 check passed' : `${passed} checks passed` };
    case 'running':
      return { tone: 'busy', text: running === 1 ? '1 check is running' : `${running} checks are running` };
    case 'failed':
      return { tone: 'bad', text: failed === 1 ? '1 check failed' : `${failed} checks failed` };
    case 'none':
      return { tone: 'idle', text: 'No checks' };
    case 'unknown':
      return { tone: 'warn', text: 'Checks unknown' };
  }
}

/** What the operator should consider before merging; empty when there is nothing. */
export function mergeWarning({ checks }: FlakeUpdateView): string {
  if (checks.status === 'failed')
    return `${checksWords(checks).text}: hosts may not build or start after switching to it.`;
  if (checks.status === 'running') return `${checksWords(checks).text}: their result is not known yet.`;
  if (checks.status === 'unknown') return 'The checks could not be read: it is not known whether this update builds.';
  return '';
}

/** A short form of a revision: the first 7 characters of a commit id, or 10 of a hash. */
export function shortRev({ rev }: LockedInputView): string {
  if (rev === '') return 'unknown';
  return FULL_COMMIT.test(rev) ? rev.slice(0, 7) : rev.replace(/^sha256-/, '').slice(0, 10);
}

export const INPUT_KINDS: Record<InputChangeView['kind'], string> = {
  changed: 'changed',
  added: 'new',
  removed: 'removed',
};

/** How its buttons look: a merge that the operator should consider first, or that is blocked, is not the recommended step. */
export function mergeEmphasis(update: FlakeUpdateView): 'primary' | 'secondary' {
  return mergeWarning(update) === '' && update.blocked === '' ? 'primary' : 'secondary';
}
