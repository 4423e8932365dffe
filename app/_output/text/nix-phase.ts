/**
 * The progress of a Nix build, derived from its output: evaluate, fetch, build n of m, activate. Recognises messages of
 * nix, nixos-rebuild, switch-to-configuration, home-manager and darwin-rebuild; other lines change nothing.
 */

export const NIX_PHASES = ['evaluate', 'fetch', 'build', 'activate'] as const;
export type NixPhase = (typeof NIX_PHASES)[number];

export interface NixProgress {
  /** null until a line shows that Nix is at work. */
  phase: NixPhase | null;
  /** Store paths announced and started. */
  toFetch: number;
  fetched: number;
  /** Derivations announced and started. */
  toBuild: number;
  built: number;
}

export const NO_NIX_PROGRESS: NixProgress = Object.freeze({
  phase: null,
  toFetch: 0,
  fetched: 0,
  toBuild: 0,
  built: 0,
});

const EVALUATE =
  /^(?:building the (?:system|home|test) configuration|evaluating (?:derivation|file|the )?|evaluating\b|building Nix\b)/;
const WILL_BE_BUILT = /^(?:these (\d+)|this) derivations? will be built:?/;
const WILL_BE_FETCHED = /^(?:these (\d+)|this) paths? will be fetched\b/;
const BUILDING = /^building '\/nix\/store\/[^']+'/;
const COPYING = /^(?:copying path|downloading) '(?:\/nix\/store\/|https?:)[^']*'/;
const ACTIVATE =
  /^(?:activating the configuration|activating \S+\.\.\.|Activating \S+|Starting Home Manager activation|setting up \/etc|setting up (?:launchd services|user launchd services|groups|users)|switching to (?:system )?configuration|(?:reloading|restarting|starting|stopping) the following (?:user )?units|(?:re)?loading user units for|would (?:stop|start|restart|reload) the following units)/;

/** The next state after one line of output without colours. An unrecognised line gives the same object. */
export function nixProgress(state: NixProgress, line: string): NixProgress {
  const text = line.trimStart();
  const built = WILL_BE_BUILT.exec(text);
  // Announced several times when one command builds several things: keep what was counted before.
  if (built) {
    return { ...forward(state, 'evaluate'), toBuild: state.built + Number(built[1] ?? 1) };
  }
  const fetched = WILL_BE_FETCHED.exec(text);
  if (fetched) {
    return { ...forward(state, 'evaluate'), toFetch: state.fetched + Number(fetched[1] ?? 1) };
  }
  if (BUILDING.test(text)) {
    const count = state.built + 1;
    return { ...forward(state, 'build'), built: count, toBuild: Math.max(state.toBuild, count) };
  }
  if (COPYING.test(text)) {
    const count = state.fetched + 1;
    return { ...forward(state, 'fetch'), fetched: count, toFetch: Math.max(state.toFetch, count) };
  }
  if (ACTIVATE.test(text)) return state.phase === 'activate' ? state : { ...state, phase: 'activate' };
  if (EVALUATE.test(text)) return forward(state, 'evaluate');
  return state;
}

/** Fetching goes on while things are built: only a later phase replaces one. */
function forward(state: NixProgress, phase: NixPhase): NixProgress {
  if (state.phase !== null && NIX_PHASES.indexOf(state.phase) >= NIX_PHASES.indexOf(phase)) return state;
  return { ...state, phase };
}

export interface NixStep {
  phase: NixPhase;
  label: string;
  state: 'done' | 'active' | 'waiting' | 'interrupted';
  /** "3 of 7"; empty where nothing is counted. */
  count: string;
}

const LABELS: Record<NixPhase, string> = { evaluate: 'Evaluate', fetch: 'Fetch', build: 'Build', activate: 'Activate' };

/**
 * The phases as steps in order; empty before the first recognised line. Fetch and build are left out when Nix announced
 * none. `ended`: the command has ended, so no step is active. `succeeded`: it ended with success.
 */
export function nixSteps(progress: NixProgress, ended: boolean, succeeded: boolean): NixStep[] {
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
    return [{ phase: step, label: LABELS[step], state: stepState(progress, index, at, ended, succeeded), count }];
  });
}

function stepState(
  progress: NixProgress,
  index: number,
  at: number,
  ended: boolean,
  succeeded: boolean,
): NixStep['state'] {
  if (index > at) return 'waiting';
  if (ended && succeeded) return 'done';
  // Building starts before the last path is fetched.
  const fetching = NIX_PHASES[index] === 'fetch' && progress.phase === 'build' && progress.fetched < progress.toFetch;
  if (index < at && !fetching) return 'done';
  return ended ? 'interrupted' : 'active';
}
