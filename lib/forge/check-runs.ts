/** One word for all checks of a commit, out of the forge's many. Pure. */
import type { ChecksView } from '@/lib/protocol/flake-updates';

export type CheckWord = 'passed' | 'running' | 'failed';

/** Conclusions of a check run that do not stand in the way (GitHub, "About status checks"). */
const GOOD_CONCLUSIONS = new Set(['success', 'neutral', 'skipped']);

export function wordOfRun(status: string, conclusion: string | null | undefined): CheckWord {
  if (status !== 'completed') return 'running';
  return GOOD_CONCLUSIONS.has(conclusion ?? '') ? 'passed' : 'failed';
}

/** The word of a commit status: success, pending, failure, error; Forgejo also knows warning. */
export function wordOfStatus(state: string): CheckWord {
  if (state === 'success' || state === 'warning') return 'passed';
  return state === 'pending' ? 'running' : 'failed';
}

export function summary(words: readonly CheckWord[]): ChecksView {
  const count = (word: CheckWord): number => words.filter((one) => one === word).length;
  const passed = count('passed');
  const running = count('running');
  const failed = count('failed');
  const status = failed > 0 ? 'failed' : running > 0 ? 'running' : passed > 0 ? 'passed' : 'none';
  return { status, passed, running, failed };
}

export const UNKNOWN_CHECKS: ChecksView = { status: 'unknown', passed: 0, running: 0, failed: 0 };
