import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FlakeUpdatesView } from '@/lib/protocol/live/views/flake-update-view';
import {
  createFlakeUpdates,
  FIRST_RETRY_MS,
  ACTIVE_INTERVAL_MS,
  type FlakeUpdatesOptions,
  type FlakeUpdatesService,
} from './flake-update-watch';
import { createForgejo } from './forgejo';
import { createGitHub } from './github';
import { MERGEABLE_RETRIES, MERGEABLE_WAIT_MS } from './merge-update';
import { MAX_NEW_OTHERS } from './read-update';
import type { UpdateRule } from './recognise-update';
import { FakeForge, FAKE_FORGE_TOKEN, type Dialect } from './testing/fake-forge';
import { TestClock } from '@/lib/fleet/testing/test-clock';
import { recordedEvent, type RecordedEvent } from '@/lib/fleet/testing/recorded-event';
import { FAKE_FORGE_REPO, fault } from './testing/fake-responses';

const INTERVAL_MS = 3_600_000;
const ADA = { userId: 'u1', userName: 'ada', address: '192.0.2.7' };

/** Renovate's update of all lock files, which its title does not say. */
const RENOVATE = {
  title: 'Lock file maintenance',
  author: 'renovate[bot]',
  labels: [],
  head: 'renovate/lock-file-maintenance',
  files: [{ filename: 'flake.lock', status: 'modified' }] as [{ filename: string; status: string }],
};

const lock = (rev: string, at: number) =>
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

let fakeForge: FakeForge;
let clock: TestClock;
let events: RecordedEvent[];
let logged: string[];
let moved: number;
let services: FlakeUpdatesService[];

function service(dialect: Dialect, change: Partial<FlakeUpdatesOptions> & { ruled?: Partial<UpdateRule> } = {}) {
  const { ruled = {}, ...options } = change;
  const common = { repo: FAKE_FORGE_REPO, token: FAKE_FORGE_TOKEN, now: () => clock.now() };
  const note = (fields: object, message: string) => logged.push(`${message} ${JSON.stringify(fields)}`);
  const made = createFlakeUpdates({
    forge:
      dialect === 'github'
        ? createGitHub({ apiUrl: fakeForge.url, ...common })
        : createForgejo({ url: fakeForge.url, ...common }),
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
}

/** Ends when the state is as it should be. */
function until(updates: FlakeUpdatesService, reached: (state: FlakeUpdatesView) => boolean): Promise<void> {
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

describe.each<Dialect>(['github', 'forgejo'])('flake updates at %s', (dialect) => {
  beforeEach(async () => {
    fakeForge = new FakeForge(dialect);
    await fakeForge.start();
    clock = new TestClock();
    events = [];
    logged = [];
    moved = 0;
    services = [];
  });
  afterEach(async () => {
    for (const one of services) await one.stop();
    await fakeForge.stop();
    expect(JSON.stringify([events, logged])).not.toContain(FAKE_FORGE_TOKEN);
  });

  const openUpdate = (change: Parameters<FakeForge['addPull']>[0] = {}) => {
    const pull = fakeForge.addPull(change);
    fakeForge.setFile('main', 'flake.lock', lock('a'.repeat(40), 1_760_000_000));
    fakeForge.setFile(pull.headSha, 'flake.lock', lock('b'.repeat(40), 1_760_086_400));
    return pull;
  };

  it('shows the update with checks and changed inputs', async () => {
    const pull = openUpdate({ checks: [{ status: 'completed', conclusion: 'success' }] });
    const updates = service(dialect);
    await updates.refresh();
    expect(updates.state).toMatchObject({
      source: dialect,
      repo: FAKE_FORGE_REPO,
      fetchedAt: clock.now(),
      error: null,
      hint: null,
      update: {
        number: 1,
        title: 'flake.lock: Update',
        author: 'flake-bot',
        base: 'main',
        head: 'update_flake_lock_action',
        headSha: pull.headSha,
        mergeable: true,
        blocked: '',
        checks: { status: 'passed', passed: 1 },
        inputsProblem: '',
        moreInputs: 0,
        inputs: [
          {
            name: 'nixpkgs',
            kind: 'changed',
            from: { rev: 'a'.repeat(40), lastModified: 1_760_000_000_000 },
            to: { rev: 'b'.repeat(40), lastModified: 1_760_086_400_000, ref: 'nixos-unstable' },
          },
        ],
      },
    });
  });

  it('checks at start, at intervals and on demand', async () => {
    const updates = service(dialect);
    updates.start();
    await until(updates, ({ fetchedAt }) => fetchedAt !== null);
    expect(updates.state.update).toBeNull();
    openUpdate();
    await clock.whenPlanned(1);
    expect(clock.planned()).toEqual([INTERVAL_MS]);
    clock.advance(INTERVAL_MS);
    await until(updates, ({ update }) => update !== null);
    await clock.whenPlanned(1);
    fakeForge.pulls.clear();
    await updates.refresh();
    expect(updates.state.update).toBeNull();
  });

  it('checks again soon while checks run', async () => {
    const pull = openUpdate({ checks: [{ status: 'queued', conclusion: null }] });
    const updates = service(dialect);
    await updates.refresh();
    expect(updates.state.update?.checks.status).toBe('running');
    expect(clock.planned()).toEqual([ACTIVE_INTERVAL_MS]);
    pull.checks = [{ status: 'completed', conclusion: 'failure' }];
    clock.advance(ACTIVE_INTERVAL_MS);
    await until(updates, ({ update }) => update?.checks.status === 'failed');
    expect(clock.planned()).toEqual([]);
  });

  it('keeps its state through a failure, with the time of the first failure, and backs off', async () => {
    openUpdate();
    const updates = service(dialect);
    await updates.refresh();
    fakeForge.intercept = () => ({ status: 502, body: 'bad gateway' });
    clock.advance(1_000);
    await updates.refresh();
    const since = clock.now();
    expect(updates.state.update?.number).toBe(1);
    expect(updates.state.error).toMatchObject({ since });
    for (const wait of [FIRST_RETRY_MS, FIRST_RETRY_MS * 2, FIRST_RETRY_MS * 4]) {
      expect(clock.planned()).toEqual([wait]);
      clock.advance(wait);
      await updates.refresh();
    }
    expect(updates.state.error?.since).toBe(since);
    expect(logged.filter((line) => line.startsWith('flake updates not fetched'))).toHaveLength(1);
    fakeForge.intercept = null;
    await updates.refresh();
    expect(updates.state.error).toBeNull();
    expect(clock.planned()).toEqual([]);
  });

  it('waits as long as a rate limit requires', async () => {
    fakeForge.intercept = () => fault(429, { message: 'slow down' }, { 'retry-after': '600' });
    const updates = service(dialect);
    await updates.refresh();
    expect(updates.state.error?.message).toContain('sends no requests for 10 minutes');
    expect(clock.planned()).toEqual([600_000]);
    await updates.refresh();
    expect(fakeForge.requests).toHaveLength(1);
  });

  describe('recognising flake updates', () => {
    it.each<[string, Parameters<FakeForge['addPull']>[0], Partial<UpdateRule>, boolean, RegExp | null]>([
      ['a label', { labels: ['automated'], title: 'Weekly' }, {}, true, null],
      ['the other label', { labels: ['Dependencies'], title: 'Weekly' }, {}, true, null],
      ['a title', { labels: [], title: 'chore: bump flake inputs' }, {}, true, null],
      ['what it changes, whatever its title', RENOVATE, {}, true, null],
      [
        'what it changes, with another title',
        { ...RENOVATE, title: 'chore(deps): lock file maintenance' },
        {},
        true,
        null,
      ],
      [
        'every lock file of the repository',
        { ...RENOVATE, files: [RENOVATE.files[0], { filename: 'templates/go/flake.lock', status: 'modified' }] },
        {},
        true,
        null,
      ],
      [
        'neither',
        { labels: ['bug'], title: 'Fix the firewall', files: [{ filename: 'hosts/a.nix', status: 'modified' }] },
        {},
        false,
        null,
      ],
      [
        'a change beside the lock without a mark of an update',
        {
          ...RENOVATE,
          title: 'Add a host',
          files: [RENOVATE.files[0], { filename: 'hosts/a.nix', status: 'modified' }],
        },
        {},
        false,
        null,
      ],
      [
        'the removal of another lock',
        { ...RENOVATE, files: [RENOVATE.files[0], { filename: 'sub/flake.lock', status: 'removed' }] },
        {},
        false,
        null,
      ],
      [
        'the lock of the folder of the flake',
        { ...RENOVATE, files: [{ filename: 'nix/flake.lock', status: 'modified' }] },
        { lockFile: 'nix/flake.lock' },
        true,
        null,
      ],
      ['a fork without a mark', { ...RENOVATE, headRepo: 'eve/nixcfg' }, {}, false, null],
      [
        'a Dependabot that changes something else',
        { files: [{ filename: 'package-lock.json', status: 'modified' }] },
        {},
        false,
        /#1 looks like a flake update but is not offered: it does not change flake.lock\./,
      ],
      [
        'more than the lock',
        {
          files: [
            { filename: 'flake.lock', status: 'modified' },
            { filename: 'hosts/a.nix', status: 'modified' },
          ],
        },
        {},
        false,
        /it also changes hosts\/a\.nix \(NIXFLEET_UPDATE_FILES would allow that\)/,
      ],
      [
        'more than the lock, as allowed',
        {
          files: [
            { filename: 'flake.lock', status: 'modified' },
            { filename: 'pins.json', status: 'modified' },
          ],
        },
        { files: ['pins.json'] },
        true,
        null,
      ],
      [
        'a file that was moved away under the cover of an allowed name',
        {
          files: [
            { filename: 'flake.lock', status: 'modified' },
            { filename: 'pins.json', status: 'renamed', previous_filename: 'secrets.nix' },
          ],
        },
        { files: ['pins.json'] },
        false,
        /also changes secrets\.nix/,
      ],
      ['no lock any more', { files: [{ filename: 'flake.lock', status: 'removed' }] }, {}, false, /removes flake.lock/],
      [
        'a lock of a folder',
        { files: [{ filename: 'sub/flake.lock', status: 'modified' }] },
        {},
        false,
        /does not change flake.lock/,
      ],
      ['a fork', { headRepo: 'eve/nixcfg' }, {}, false, /comes from another repository/],
      ['a fork, as allowed', { headRepo: 'eve/nixcfg' }, { forks: true }, true, null],
      ['another branch', { base: 'release' }, {}, false, null],
    ])('%s', async (_what, change, ruled, isUpdate, hint) => {
      const pull = openUpdate(change);
      const updates = service(dialect, { ruled });
      await updates.refresh();
      expect(updates.state.error).toBeNull();
      expect(updates.state.update?.number ?? null).toBe(isUpdate ? 1 : null);
      if (hint === null) expect(updates.state.hint).toBeNull();
      else expect(updates.state.hint).toMatch(hint);
      // What is not offered is not merged by its number either.
      const result = await updates.merge(1, ADA);
      expect(result.kind).toBe(isUpdate ? 'merged' : 'refused');
      expect(pull.merged).toBe(isUpdate);
    });

    it('asks for the files of a pull request once for each head commit', async () => {
      for (let i = 0; i < 3; i += 1)
        openUpdate({ ...RENOVATE, files: [{ filename: `hosts/${i}.nix`, status: 'modified' }] });
      const pull = openUpdate(RENOVATE);
      const updates = service(dialect);
      const asked = () => fakeForge.requests.splice(0).filter(({ url }) => url.includes('/files'));
      await updates.refresh();
      expect(asked()).toHaveLength(4);
      clock.advance(1);
      await updates.refresh();
      expect(asked()).toHaveLength(0);
      pull.headSha = fakeForge.newSha();
      clock.advance(1);
      await updates.refresh();
      expect(asked()).toHaveLength(1);
      expect(updates.state.update?.headSha).toBe(pull.headSha);
    });

    it('reads the files of a limited number of other pull requests in one check, and of the rest in the next', async () => {
      openUpdate(RENOVATE);
      for (let i = 0; i < MAX_NEW_OTHERS + 2; i += 1)
        openUpdate({ ...RENOVATE, files: [{ filename: 'hosts/a.nix', status: 'modified' }] });
      const updates = service(dialect);
      await updates.refresh();
      expect(updates.state.update).toBeNull();
      expect(fakeForge.requests.filter(({ url }) => url.includes('/files'))).toHaveLength(MAX_NEW_OTHERS);
      clock.advance(1);
      await updates.refresh();
      expect(updates.state.update?.number).toBe(1);
    });

    it('another pull request whose files the forge can’t list does not hide the update', async () => {
      openUpdate();
      const other = fakeForge.addPull({ ...RENOVATE, title: 'Generated documents', head: 'docs' });
      fakeForge.intercept = ({ url }) =>
        url.includes(`/${other.number}/files`) ? { status: 502, body: 'the diff is too large' } : null;
      const updates = service(dialect);
      await updates.refresh();
      expect(updates.state).toMatchObject({ error: null, update: { number: 1 } });
    });

    it('the newest of several, with a hint about the others', async () => {
      openUpdate();
      openUpdate();
      const updates = service(dialect);
      await updates.refresh();
      expect(updates.state.update?.number).toBe(2);
      expect(updates.state.hint).toBe('Pull request #1 is an older flake update: close it when #2 is merged.');
    });
  });

  describe('merging', () => {
    it('merges, records who asked and from where, and removes the update at once', async () => {
      const pull = openUpdate();
      const updates = service(dialect);
      await updates.refresh();
      expect(await updates.merge(1, ADA, pull.headSha)).toEqual({ kind: 'merged', commit: pull.mergeCommit });
      expect(updates.state.update).toBeNull();
      expect(moved).toBe(1);
      expect(events).toEqual([
        expect.objectContaining({
          action: 'update.merged',
          outcome: 'merged',
          level: 'success',
          actorKind: 'operator',
          actor: 'ada',
          userId: 'u1',
          address: '192.0.2.7',
          at: clock.now(),
          message: `Flake update #1 (flake.lock: Update) of ada/nixcfg at ${dialect === 'github' ? 'GitHub' : 'Forgejo'} was merged as ${pull.mergeCommit.slice(0, 7)}.`,
        }),
      ]);
    });

    it('answers "merged" for one that is already merged, however often it is asked', async () => {
      const pull = openUpdate();
      const updates = service(dialect);
      await updates.merge(1, ADA);
      expect(await updates.merge(1, ADA)).toEqual({ kind: 'merged', commit: pull.mergeCommit });
      expect(fakeForge.requests.filter(({ method }) => method !== 'GET')).toHaveLength(1);
    });

    it('merges once with one event after a double click', async () => {
      openUpdate();
      const updates = service(dialect);
      const [first, second] = await Promise.all([updates.merge(1, ADA), updates.merge(1, ADA)]);
      expect(second).toEqual(first);
      expect(events).toHaveLength(1);
    });

    it('detects that it was merged although the answer never arrived', async () => {
      const pull = openUpdate();
      const updates = service(dialect);
      fakeForge.intercept = (request, response) => {
        if (request.method === 'GET') return null;
        fakeForge.merge(pull);
        response.destroy();
        return 'handled';
      };
      expect(await updates.merge(1, ADA)).toEqual({ kind: 'merged', commit: pull.mergeCommit });
    });

    it('does not merge what the operator has not seen', async () => {
      const pull = openUpdate();
      const updates = service(dialect);
      await updates.refresh();
      const seen = pull.headSha;
      pull.headSha = fakeForge.newSha();
      const result = await updates.merge(1, ADA, seen);
      expect(result).toMatchObject({ kind: 'refused' });
      expect('reason' in result && result.reason).toContain('has changed since you looked at it');
      expect(pull.merged).toBe(false);
      expect(events[0]).toMatchObject({ action: 'update.refused', level: 'warning' });
    });

    it.each<[string, Parameters<FakeForge['addPull']>[0], RegExp]>([
      ['a draft', { draft: true, mergeableState: 'draft' }, /is a draft/],
      ['a conflict', { mergeable: false, mergeableState: 'dirty' }, /conflicts with the branch/],
      ['one that was closed', { state: 'closed' }, /was closed without being merged/],
      ['rules of the branch', { mergeableState: 'blocked' }, /rules of the branch|Does not have enough approvals/],
    ])('refuses %s', async (_what, change, reason) => {
      const pull = openUpdate(change);
      const result = await service(dialect).merge(1, ADA);
      expect(result.kind).toBe('refused');
      expect('reason' in result && result.reason).toMatch(reason);
      expect(pull.merged).toBe(false);
    });

    it('refuses an unknown number', async () => {
      const result = await service(dialect).merge(99, ADA);
      expect(result).toMatchObject({ kind: 'refused' });
      expect('reason' in result && result.reason).toMatch(/There is no pull request #99/);
    });

    it.each([
      [401, 'refused', /to a valid one/],
      [403, 'refused', /The token is not allowed to merge pull request #1/],
      [502, 'failed', /tries again later/],
    ])('says what to do when the forge answers with %s', async (status, kind, reason) => {
      openUpdate();
      fakeForge.intercept = (request) => (request.method === 'GET' ? null : fault(status, { message: 'no' }));
      const result = await service(dialect).merge(1, ADA);
      expect(result.kind).toBe(kind);
      expect('reason' in result && result.reason).toMatch(reason);
      expect(events[0]?.message).toMatch(reason);
    });

    it('does not let an earlier check bring the update back', async () => {
      const pull = openUpdate();
      const updates = service(dialect);
      await updates.refresh();
      let release: (() => void) | null = null;
      let held: (() => void) | null = null;
      const isHeld = new Promise<void>((resolve) => (held = resolve));
      // The look has seen the update before the merge, and ends after it has begun.
      const listing = new Promise<void>((resolve) => (release = resolve));
      fakeForge.intercept = (request, response) => {
        if (!request.url.includes('/commits/')) return null;
        fakeForge.intercept = null;
        held?.();
        void listing.then(() => {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ total_count: 0, check_runs: [], statuses: [] }));
        });
        return 'handled';
      };
      const look = updates.refresh();
      await isHeld;
      const merge = updates.merge(1, ADA);
      release!();
      await look;
      await merge;
      expect(pull.merged).toBe(true);
      expect(updates.state.update).toBeNull();
      clock.advance(1);
      await updates.refresh();
      expect(updates.state.update).toBeNull();
    });
  });

  it('ends a running merge when it is stopped', async () => {
    openUpdate();
    const updates = service(dialect);
    let asked: (() => void) | null = null;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    fakeForge.intercept = () => {
      asked?.();
      return 'handled';
    };
    const merge = updates.merge(1, ADA);
    await isAsked;
    await updates.stop();
    expect(await merge).toMatchObject({ kind: 'failed' });
  });
});

describe('GitHub, which first computes whether an update can be merged', () => {
  beforeEach(async () => {
    fakeForge = new FakeForge('github');
    await fakeForge.start();
    clock = new TestClock();
    events = [];
    logged = [];
    services = [];
  });
  afterEach(async () => {
    for (const one of services) await one.stop();
    await fakeForge.stop();
  });

  it('is queried again until it knows', async () => {
    const pull = fakeForge.addPull({ mergeable: null });
    const merge = service('github').merge(1, ADA);
    await clock.whenPlanned(1);
    pull.mergeable = true;
    clock.advance(MERGEABLE_WAIT_MS);
    expect((await merge).kind).toBe('merged');
  });

  it('is queried only a limited number of times', async () => {
    fakeForge.addPull({ mergeable: null });
    const merge = service('github').merge(1, ADA);
    for (let i = 0; i < MERGEABLE_RETRIES; i += 1) {
      await clock.whenPlanned(1);
      clock.advance(MERGEABLE_WAIT_MS);
    }
    const result = await merge;
    expect(result.kind).toBe('failed');
    expect('reason' in result && result.reason).toMatch(/is still checking whether/);
  });
});

it('says what to set when no forge is configured', async () => {
  clock = new TestClock();
  services = [];
  const updates = createFlakeUpdates({
    forge: null,
    rule: { base: 'main', lockFile: 'flake.lock', files: [], forks: false },
    method: 'merge',
    intervalMs: INTERVAL_MS,
    clock,
    log: {} as FlakeUpdatesOptions['log'],
    record: () => undefined,
    onMerged: () => undefined,
  });
  updates.start();
  expect(updates.state.source).toBe('none');
  const result = await updates.merge(1, ADA);
  expect('reason' in result && result.reason).toContain('set NIXFLEET_GITHUB_REPO or NIXFLEET_FORGEJO_URL');
});
