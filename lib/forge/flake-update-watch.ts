/** Watches the forge for a flake update, at intervals and on demand, and merges it on request. */
import type { FlakeUpdates, MergeResult } from '@/lib/fleet/records/flake-update-port';
import type { FlakeUpdatesView } from '@/lib/protocol/live/views/flake-update-view';
import type { Log } from '@/lib/log';
import type { Forge, MergeMethod } from './forge';
import { createChangedFiles } from './changed-files';
import { findUpdate } from './read-update';
import { mergeUpdate } from './merge-update';
import type { UpdateRule } from './recognise-update';
import { byOperator, NOBODY } from '@/lib/fleet/events';
import { createPoller } from '@/lib/timers/poller';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { Clock } from '@/lib/fleet/records/environment';
import type { Requester } from '@/lib/fleet/records/requests';
import { NO_FLAKE_UPDATES } from '@/lib/protocol/live/flake-update-constants';

/** Interval while checks run, or while the forge computes whether an update can be merged. */
export const ACTIVE_INTERVAL_MS = 60_000;
/** Wait after a failure; doubles with each further one, up to the interval. */
export const FIRST_RETRY_MS = 30_000;
/** Time-out of a merge. */
export const MERGE_TIMEOUT_MS = 110_000;

export interface FlakeUpdatesOptions {
  forge: Forge | null;
  rule: UpdateRule;
  method: MergeMethod;
  /** Time between two checks, plus jitter. */
  intervalMs: number;
  clock: Clock;
  log: Log;
  /** Returns 0 to 1, for the jitter. */
  random?: () => number;
  record: (event: NewEvent) => void;
  /** Called after a merge, so that the branch can be fetched at once. */
  onMerged: () => void;
}

/** Flake updates with their lifecycle: checking runs from `start` to `stop`. */
export interface FlakeUpdatesService extends FlakeUpdates {
  start(): void;
  /** Ends running work, including a merge. The next `merge` of the same number finds out whether it succeeded. */
  stop(): Promise<void>;
}

export function createFlakeUpdates(options: FlakeUpdatesOptions): FlakeUpdatesService {
  const { forge } = options;
  if (forge !== null) return follow(forge, options);
  const reason = 'No forge is configured: set NIXFLEET_GITHUB_REPO or NIXFLEET_FORGEJO_URL and NIXFLEET_FORGEJO_REPO.';
  return {
    state: NO_FLAKE_UPDATES,
    subscribe: () => () => undefined,
    refresh: () => Promise.resolve(),
    merge: () => Promise.resolve({ kind: 'refused', reason }),
    start: () => undefined,
    stop: () => Promise.resolve(),
  };
}

function follow(forge: Forge, options: FlakeUpdatesOptions): FlakeUpdatesService {
  const { rule, method, intervalMs, clock, log, random = Math.random, record, onMerged } = options;
  const lifetime = new AbortController();
  const listeners = new Set<() => void>();
  const merging = new Map<number, Promise<MergeResult>>();
  const changedFiles = createChangedFiles(forge);
  let state: FlakeUpdatesView = { ...NO_FLAKE_UPDATES, source: forge.kind, repo: forge.repo };
  let failures = 0;
  let merges = 0;
  let cancelRetry: (() => void) | null = null;

  const poller = createPoller({ intervalMs, clock, random, run });

  function set(change: Partial<FlakeUpdatesView>): void {
    if (lifetime.signal.aborted) return;
    state = { ...state, ...change };
    for (const listener of [...listeners]) {
      try {
        listener();
      } catch (error) {
        log.error({ err: error }, 'a listener of flake updates failed');
      }
    }
  }

  function againIn(ms: number): void {
    cancelRetry?.();
    cancelRetry = ms >= intervalMs ? null : clock.after(ms, () => void poller.now());
  }

  async function run(signal: AbortSignal): Promise<void> {
    const before = merges;
    cancelRetry?.();
    cancelRetry = null;
    const found = await findUpdate(forge, changedFiles, rule, signal);
    if (signal.aborted) return;
    if (!found.ok) {
      const { message, retryAfterMs = 0 } = found.fault;
      if (state.error?.message !== message) {
        log.warn({ problem: message }, 'could not check for flake updates');
        set({ error: { message, since: state.error?.since ?? clock.now() } });
      }
      failures += 1;
      againIn(Math.max(retryAfterMs, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 16)));
      return;
    }
    failures = 0;
    // An update merged during the check must not reappear.
    if (merges !== before) {
      againIn(0);
      return;
    }
    if (state.error !== null) log.info('flake updates can be fetched again');
    const { update, hint } = found.value;
    if (update !== null && update.headSha !== state.update?.headSha) {
      log.info({ number: update.number, title: update.title, commit: update.headSha }, 'found a flake update');
    }
    set({ update, hint, fetchedAt: clock.now(), error: null });
    if (update !== null && (update.mergeable === null || update.checks.status === 'running'))
      againIn(ACTIVE_INTERVAL_MS);
  }

  async function mergeNow(number: number, by: Requester, seen: string | null): Promise<MergeResult> {
    const timeout = AbortSignal.timeout(MERGE_TIMEOUT_MS);
    const signal = AbortSignal.any([lifetime.signal, timeout]);
    const title = state.update?.number === number ? state.update.title : '';
    let result = await mergeUpdate(forge, clock, { number, seen, method, rule }, signal);
    if (result.kind === 'failed' && timeout.aborted && !lifetime.signal.aborted) {
      const reason = `${forge.name} took longer than ${MERGE_TIMEOUT_MS / 1_000} s: check whether it was merged, and try again if not.`;
      result = { kind: 'failed', reason };
    }
    record(mergeEvent(forge, number, title, by, result, clock.now()));
    if (result.kind === 'merged') {
      merges += 1;
      if (state.update?.number === number) set({ update: null });
      onMerged();
    }
    void poller.now();
    return result;
  }

  return {
    get state() {
      return state;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh: () => poller.now(),
    merge(number, by, seen = null) {
      // A double click or a repeated pipeline must merge once.
      const running = merging.get(number);
      if (running !== undefined) return running;
      const merge = mergeNow(number, by, seen).finally(() => merging.delete(number));
      merging.set(number, merge);
      return merge;
    },
    start: () => poller.start(),
    async stop() {
      lifetime.abort();
      cancelRetry?.();
      await poller.stop();
      await Promise.allSettled(merging.values());
    },
  };
}

function mergeEvent(
  { name, repo }: Forge,
  number: number,
  title: string,
  by: Requester,
  result: MergeResult,
  at: number,
): NewEvent {
  const head = { ...NOBODY, ...byOperator(by), at };
  const update = { number, title, repo, forge: name };
  switch (result.kind) {
    case 'merged':
      return { ...head, action: 'update.merged', params: { ...update, commit: result.commit } };
    case 'refused':
      return { ...head, action: 'update.refused', params: { ...update, reason: result.reason } };
    case 'failed':
      return { ...head, action: 'update.failed', params: { ...update, reason: result.reason } };
  }
}
