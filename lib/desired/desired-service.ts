/** The desired state of the fleet, from the configuration repository or from a version.json feed. */
import { NO_DESIRED_STATE, sameCommit } from '@/lib/fleet/hosts/desired';
import type { DesiredSource, DesiredState, HostRelation } from '@/lib/fleet/hosts/desired';
import type { Log } from '@/lib/log';
import { createFeedSource } from './feed';
import { createGitSource } from './git-source';
import { createPoller } from '@/lib/timers/poller';
import { createRelations } from './relations';
import type { FetchOutcome, DesiredStateSource } from './source';
import type { Clock } from '@/lib/fleet/records/environment';

export interface DesiredOptions {
  /** URL of a version.json; empty when not configured. */
  versionUrl: string;
  /** Address or path of the configuration repository; empty when not configured. Takes precedence over the feed. */
  configRepo: string;
  branch: string;
  /** The folder of the flake in the repository; '' for its root. */
  flakeDir: string;
  /** An existing folder, for the copy of the repository. */
  dataDir: string;
  /** Time between two fetches, plus jitter. */
  intervalMs: number;
  clock: Clock;
  log: Log;
  /** Returns 0 to 1, for the jitter. */
  random?: () => number;
}

/** The desired state with its lifecycle: fetching runs from `start` to `stop`. */
export interface Desired extends DesiredSource {
  /** Fetches in the background at once, then at intervals. */
  start(): void;
  /** Stops a running fetch and its git process. Resolves when it has ended. */
  stop(): Promise<void>;
}

const UNKNOWN: HostRelation = { relation: 'unknown', commits: null };
const EQUAL: HostRelation = { relation: 'equal', commits: 0 };
const DIFFERS: HostRelation = { relation: 'differs', commits: null };
/** Commits for which a feed was fetched again; the oldest are forgotten. */
const MAX_ASKED = 1_000;

export function createDesired(options: DesiredOptions): Desired {
  const source = sourceOf(options);
  if (source === null) {
    return {
      state: NO_DESIRED_STATE,
      relate: () => UNKNOWN,
      subscribe: () => () => undefined,
      refresh: () => Promise.resolve(),
      start: () => undefined,
      stop: () => Promise.resolve(),
    };
  }
  return follow(source, options);
}

function sourceOf(options: DesiredOptions): DesiredStateSource | null {
  if (options.configRepo !== '') {
    return createGitSource({
      repository: options.configRepo,
      branch: options.branch,
      flakeDir: options.flakeDir,
      dataDir: options.dataDir,
    });
  }
  return options.versionUrl === '' ? null : createFeedSource(options.versionUrl);
}

function follow(source: DesiredStateSource, { clock, log, intervalMs, random = Math.random }: DesiredOptions): Desired {
  const lifetime = new AbortController();
  const listeners = new Set<() => void>();
  const asked = new Set<string>();
  let state: DesiredState = { ...NO_DESIRED_STATE, source: source.kind, branch: source.branch };

  const poller = createPoller({ intervalMs, clock, random, run });
  const { compare } = source;
  const relations =
    compare === null
      ? null
      : createRelations({
          compare: (target, commit) => compare(target, commit, lifetime.signal),
          changed: announce,
          missed: () => poller.soon(),
          failed(error) {
            if (lifetime.signal.aborted) return;
            log.warn(
              { problem: error instanceof Error ? error.message : 'unknown' },
              'the ancestry of a commit could not be determined',
            );
          },
        });

  function announce(): void {
    if (lifetime.signal.aborted) return;
    for (const listener of [...listeners]) {
      try {
        listener();
      } catch (error) {
        log.error({ err: error }, 'a listener of the desired state failed');
      }
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    const outcome = await source.fetch(signal);
    if (signal.aborted) return;
    if (outcome.kind === 'failed') noteFailure(outcome.message);
    else await noteAnswer(outcome, signal);
  }

  function noteFailure(message: string): void {
    if (state.error?.message === message) return;
    log.warn({ problem: message }, 'could not fetch the desired state');
    // The last good answer stays; its users check the error.
    state = { ...state, error: { message, since: state.error?.since ?? clock.now() } };
    announce();
  }

  async function noteAnswer({ answer }: Extract<FetchOutcome, { kind: 'ok' }>, signal: AbortSignal): Promise<void> {
    const install = await relations?.prepare(answer.commit);
    if (signal.aborted) return;
    if (state.error !== null) log.info('the desired state can be fetched again');
    if (state.commit !== answer.commit)
      log.info({ commit: answer.commit, branch: answer.branch }, 'desired state changed');
    install?.();
    state = { source: source.kind, ...answer, fetchedAt: clock.now(), error: null };
    announce();
  }

  /** The feed may have been fetched before the host pulled, so it is fetched again, once per commit. */
  function askFeedAgain(commit: string): void {
    if (asked.has(commit)) return;
    if (asked.size >= MAX_ASKED) {
      const [oldest] = asked;
      if (oldest !== undefined) asked.delete(oldest);
    }
    asked.add(commit);
    poller.soon();
  }

  return {
    get state() {
      return state;
    },
    relate(generation) {
      const commit = generation.trim().toLowerCase();
      if (commit === '' || state.commit === '') return UNKNOWN;
      if (sameCommit(commit, state.commit)) {
        relations?.noteEqual(commit);
        return EQUAL;
      }
      if (relations !== null) return relations.get(commit);
      askFeedAgain(commit);
      return DIFFERS;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh: () => poller.now(),
    start: () => poller.start(),
    async stop() {
      lifetime.abort();
      await poller.stop();
    },
  };
}
