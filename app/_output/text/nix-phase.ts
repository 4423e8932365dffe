/** The progress of a Nix build as steps: from its output, and from what the agent reports while it runs. */
import {
  forward,
  NIX_PHASE_LABELS,
  NIX_PHASES,
  withCount,
  type NixPhase,
  type NixProgress,
} from '@/lib/text/nix-progress';
import type { ProgressView } from '@/lib/protocol/live/views/command-view';

/** How the last step ended; `warned`: it was done, and something failed. */
export type StepsEnding = 'done' | 'warned' | 'interrupted';

export interface NixStep {
  phase: NixPhase;
  label: string;
  state: StepsEnding | 'active' | 'waiting';
  /** "3 of 7"; empty where nothing is counted. */
  count: string;
}

const LABELS: Record<NixPhase, string> = { evaluate: 'Evaluate', fetch: 'Fetch', build: 'Build', activate: 'Activate' };

/**
 * The progress of a running command: what the agent reports counts more than its output, which says when a build starts
 * but not when it ends, and not how many there will be.
 */
export function withReported(progress: NixProgress, reported: ProgressView | null): NixProgress {
  const phase = NIX_PHASES.find((name) => NIX_PHASE_LABELS[name] === reported?.label);
  if (!reported || phase === undefined) return progress;
  return phase === 'fetch' || phase === 'build'
    ? withCount(progress, phase, reported.current, reported.total)
    : forward(progress, phase);
}

/**
 * The phases as steps in order; empty before the first recognised line. Fetch and build are left out when Nix announced
 * none. `ending`: null while the command runs.
 */
export function nixSteps(progress: NixProgress, ending: StepsEnding | null): NixStep[] {
  const { phase } = progress;
  if (phase === null) return [];
  const at = NIX_PHASES.indexOf(phase);
  return NIX_PHASES.flatMap((step, index): NixStep[] => {
    if (step === 'fetch' && progress.toFetch === 0) return [];
    if (step === 'build' && progress.toBuild === 0) return [];
    const count =
      step === 'fetch'
        ? `${progress.fetched} of ${progress.toFetch}`
        : step === 'build'
          ? `${progress.built} of ${progress.toBuild}`
          : '';
    return [{ phase: step, label: LABELS[step], state: stepState(progress, index, at, ending), count }];
  });
}

function stepState(progress: NixProgress, index: number, at: number, ending: StepsEnding | null): NixStep['state'] {
  if (index > at) return 'waiting';
  if (ending === 'done') return 'done';
  // Building starts before the last path is fetched.
  const fetching = NIX_PHASES[index] === 'fetch' && progress.phase === 'build' && progress.fetched < progress.toFetch;
  if (index < at && !fetching) return 'done';
  return ending ?? 'active';
}
