/** What a confirmed switch shows: its marks, its countdown and its systems, in words. Pure. */
import type { CheckView, CommandView, ConfirmationView } from '@/lib/protocol/live/views/command-view';

export type MarkState = 'passed' | 'failed' | 'pending' | 'none';

export interface ConfirmationMark {
  name: 'Reached' | 'Units' | 'Checks';
  state: MarkState;
}

/** What has to hold before the new system is kept. Checks that are only observed don't count. */
export function confirmationMarks({ reached, stage, checks }: ConfirmationView): ConfirmationMark[] {
  const enforced = checks.filter((check) => check.enforced);
  const isOver = stage === 'going-back';
  return [
    { name: 'Reached', state: reached ? 'passed' : isOver ? 'failed' : 'pending' },
    { name: 'Units', state: worstOf(enforced.filter(({ kind }) => kind === 'units')) },
    { name: 'Checks', state: worstOf(enforced.filter(({ kind }) => kind !== 'units')) },
  ];
}

function worstOf(checks: readonly CheckView[]): MarkState {
  if (checks.length === 0) return 'none';
  if (checks.some(({ status }) => status === 'failed')) return 'failed';
  return checks.every(({ status }) => status === 'passed') ? 'passed' : 'pending';
}

export const MARK_WORDS: Readonly<Record<MarkState, string>> = {
  passed: 'passed',
  failed: 'failed',
  pending: 'pending',
  none: 'none declared',
};

/** "1:38"; never below zero. */
export function countdown(endsAt: number, now: number): string {
  const s = Math.max(0, Math.ceil((endsAt - now) / 1_000));
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
}

/** What a confirmed switch is doing, or how it ended, as a sentence without its countdown. */
export function confirmationSentence(
  command: Pick<CommandView, 'phase' | 'outcome'>,
  { stage, answer }: ConfirmationView,
): string {
  if (command.phase === 'ended') return ENDED[command.outcome ?? ''] ?? ENDED_OTHERWISE;
  if (stage === 'keeping') return 'The host is keeping the new system.';
  if (stage === 'going-back') return 'The host is going back to the previous system.';
  if (answer !== null) {
    // The dashboard only ever keeps.
    if (answer.by === '') return 'The dashboard keeps the new system.';
    return `${answer.by} chose ${answer.keep ? 'Keep' : 'Revert'} now.`;
  }
  return stage === 'activating'
    ? 'The host is activating the new system.'
    : 'The host waits for its checks before it keeps the new system.';
}

/** Why an operator can't answer any more, as a sentence; null when it is possible. */
export function answerBlocked({ stage, answer }: Pick<ConfirmationView, 'stage' | 'answer'>): string | null {
  if (stage === 'keeping') return 'The host is already keeping the new system.';
  if (stage === 'going-back') return 'The host is already going back to the previous system.';
  return answer !== null && answer.by !== '' ? `${answer.by} has answered already.` : null;
}

const ENDED_OTHERWISE = 'Which system the host has kept is not known.';
const ENDED: Readonly<Record<string, string>> = {
  succeeded: 'The host has kept the new system.',
  unchanged: 'The host has kept the new system.',
  partial: 'The host has kept the new system.',
  'rolled-back': 'The host went back to the previous system.',
};

/** "nixos-system-web-25.11 (a1b2c3d)" of a store path; anything else as it is, "not known" when empty. */
export function systemName(path: string): string {
  const [, hash, name] = /\/store\/([0-9a-z]{7,40})-([^/]+)/.exec(path) ?? [];
  if (hash !== undefined && name !== undefined) return `${name} (${hash.slice(0, 7)})`;
  return path === '' ? 'not known' : path;
}
