/** Reduces the states of a commit's checks to one. Pure. */
import type { ChecksView } from '@/lib/protocol/live/views/flake-update-view';

export type CheckState = 'passed' | 'running' | 'failed';

/** Conclusions of a check run that allow a merge (GitHub, "About status checks"). */
const GOOD_CONCLUSIONS = new Set(['success', 'neutral', 'skipped']);

export function stateOfRun(status: string, conclusion: string | null | undefined): CheckState {
  if (status !== 'completed') return 'running';
  return GOOD_CONCLUSIONS.has(conclusion ?? '') ? 'passed' : 'failed';
}

/** The state of a commit status: success, pending, failure, error; Forgejo also has warning. */
export function stateOfStatus(state: string): CheckState {
  if (state === 'success' || state === 'warning') return 'passed';
  return state === 'pending' ? 'running' : 'failed';
}

export function summarise(words: readonly CheckState[]): ChecksView {
  const count = (word: CheckState): number => words.filter((one) => one === word).length;
  const passed = count('passed');
  const running = count('running');
  const failed = count('failed');
  const status = failed > 0 ? 'failed' : running > 0 ? 'running' : passed > 0 ? 'passed' : 'none';
  return { status, passed, running, failed };
}

export const UNKNOWN_CHECKS: ChecksView = { status: 'unknown', passed: 0, running: 0, failed: 0 };
