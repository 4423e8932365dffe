/**
 * The progress of a Nix build, derived from its output: evaluate, fetch, build n of m, activate. Recognises messages of
 * nix, nixos-rebuild, switch-to-configuration, home-manager, darwin-rebuild and the agent; other lines change nothing.
 * Pure.
 */

export const NIX_PHASES = ['evaluate', 'fetch', 'build', 'activate'] as const;
export type NixPhase = (typeof NIX_PHASES)[number];

/** What a command is doing in each phase. Dashboards store these words. */
export const NIX_PHASE_LABELS: Readonly<Record<NixPhase, string>> = {
  evaluate: 'Evaluating',
  fetch: 'Fetching',
  build: 'Building',
  activate: 'Activating',
};

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
/** The agent's last lines about a build: what is done, not only started. */
const COUNTED = /^(Fetched|Built) (\d{1,9}) of (\d{1,9}) (?:path|derivation)s?$/;
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
  const counted = COUNTED.exec(text);
  if (counted)
    return withCount(state, counted[1] === 'Built' ? 'build' : 'fetch', Number(counted[2]), Number(counted[3]));
  if (ACTIVATE.test(text)) return state.phase === 'activate' ? state : { ...state, phase: 'activate' };
  if (EVALUATE.test(text)) return forward(state, 'evaluate');
  return state;
}

/** With the number of downloads or builds that are done, and of all of them. */
export function withCount(state: NixProgress, phase: 'fetch' | 'build', done: number, total: number): NixProgress {
  const known = Math.min(done, total);
  return phase === 'build'
    ? { ...forward(state, phase), built: known, toBuild: total }
    : { ...forward(state, phase), fetched: known, toFetch: total };
}

/** Fetching continues while things are built: only a later phase replaces one. */
export function forward(state: NixProgress, phase: NixPhase): NixProgress {
  if (state.phase !== null && NIX_PHASES.indexOf(state.phase) >= NIX_PHASES.indexOf(phase)) return state;
  return { ...state, phase };
}
