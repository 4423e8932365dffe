/** The flake update service with a forge that answers over HTTP, as its tests use it. */
import { afterEach, beforeEach, expect } from 'vitest';
import { recordedEvent, type RecordedEvent } from '@/lib/fleet/testing/recorded-event';
import { TestClock } from '@/lib/fleet/testing/test-clock';
import type { FlakeUpdatesView } from '@/lib/protocol/live/views/flake-update-view';
import { createFlakeUpdates, type FlakeUpdatesOptions, type FlakeUpdatesService } from '../flake-update-watch';
import { createForgejo } from '../forgejo';
import { createGitHub } from '../github';
import type { UpdateRule } from '../recognise-update';
import { FakeForge, FAKE_FORGE_TOKEN, type Dialect } from './fake-forge';
import { FAKE_FORGE_REPO } from './fake-responses';

export const INTERVAL_MS = 3_600_000;
/** Who asks for a merge. */
export const ADA = { userId: 'u1', userName: 'ada', address: '192.0.2.7' };

/** A lock file with one input. `at`: epoch seconds. */
export const lock = (rev: string, at: number) =>
  JSON.stringify({
    version: 7,
    root: 'root',
    nodes: {
      root: { inputs: { nixpkgs: 'nixpkgs' } },
      nixpkgs: {
        locked: { type: 'github', owner: 'NixOS', repo: 'nixpkgs', rev, lastModified: at, narHash: `sha256-${rev}` },
        original: { type: 'github', owner: 'NixOS', repo: 'nixpkgs', ref: 'nixos-unstable' },
      },
    },
  });

export interface WatchBench {
  readonly forge: FakeForge;
  readonly clock: TestClock;
  readonly events: RecordedEvent[];
  /** Lines of the log. */
  readonly logged: string[];
  /** How often a merge moved the branch. */
  readonly moved: number;
  service(change?: Partial<FlakeUpdatesOptions> & { ruled?: Partial<UpdateRule> }): FlakeUpdatesService;
  /** Adds a pull request that updates nixpkgs. */
  openUpdate(change?: Parameters<FakeForge['addPull']>[0]): ReturnType<FakeForge['addPull']>;
}

/** A new forge, clock and list of events for each test. Afterwards no event and no line of the log holds the token. */
export function useWatchBench(dialect: Dialect): WatchBench {
  let forge: FakeForge;
  let clock: TestClock;
  let events: RecordedEvent[];
  let logged: string[];
  let moved: number;
  let services: FlakeUpdatesService[];

  beforeEach(async () => {
    forge = new FakeForge(dialect);
    await forge.start();
    clock = new TestClock();
    events = [];
    logged = [];
    moved = 0;
    services = [];
  });
  afterEach(async () => {
    for (const one of services) await one.stop();
    await forge.stop();
    expect(JSON.stringify([events, logged])).not.toContain(FAKE_FORGE_TOKEN);
  });

  return {
    get forge() {
      return forge;
    },
    get clock() {
      return clock;
    },
    get events() {
      return events;
    },
    get logged() {
      return logged;
    },
    get moved() {
      return moved;
    },
    service(change = {}) {
      const { ruled = {}, ...options } = change;
      const times = { now: () => clock.now(), elapsed: () => clock.loop.now() };
      const common = { repo: FAKE_FORGE_REPO, token: FAKE_FORGE_TOKEN, ...times };
      const note = (fields: object, message: string) => logged.push(`${message} ${JSON.stringify(fields)}`);
      const made = createFlakeUpdates({
        forge:
          dialect === 'github'
            ? createGitHub({ apiUrl: forge.url, ...common })
            : createForgejo({ url: forge.url, ...common }),
        rule: { base: 'main', lockFile: 'flake.lock', files: [], forks: false, ...ruled },
        method: 'merge',
        intervalMs: INTERVAL_MS,
        clock,
        log: { info: note, warn: note, error: note } as unknown as FlakeUpdatesOptions['log'],
        random: () => 0.5,
        record: (event) => events.push(recordedEvent(event)),
        onMerged: () => (moved += 1),
        ...options,
      });
      services.push(made);
      return made;
    },
    openUpdate(change = {}) {
      const pull = forge.addPull(change);
      forge.setFile('main', 'flake.lock', lock('a'.repeat(40), 1_760_000_000));
      forge.setFile(pull.headSha, 'flake.lock', lock('b'.repeat(40), 1_760_086_400));
      return pull;
    },
  };
}

/** Ends when the state is as it should be. */
export function until(updates: FlakeUpdatesService, reached: (state: FlakeUpdatesView) => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (reached(updates.state)) {
      resolve();
      return;
    }
    const stop = updates.subscribe(() => {
      if (!reached(updates.state)) return;
      stop();
      resolve();
    });
  });
}
