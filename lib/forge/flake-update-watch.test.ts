import { describe, expect, it } from 'vitest';
import { TestClock } from '@/lib/fleet/testing/test-clock';
import { ACTIVE_INTERVAL_MS, createFlakeUpdates, FIRST_RETRY_MS, type FlakeUpdatesOptions } from './flake-update-watch';
import { MAX_NEW_OTHERS } from './read-update';
import type { UpdateRule } from './recognise-update';
import type { Dialect, FakeForge } from './testing/fake-forge';
import { FAKE_FORGE_REPO, fault } from './testing/fake-responses';
import { ADA, INTERVAL_MS, until, useWatchBench } from './testing/update-watch-bench';

/** Renovate's update of all lock files, which its title does not say. */
const RENOVATE = {
  title: 'Lock file maintenance',
  author: 'renovate[bot]',
  labels: [],
  head: 'renovate/lock-file-maintenance',
  files: [{ filename: 'flake.lock', status: 'modified' }] as [{ filename: string; status: string }],
};

describe.each<Dialect>(['github', 'forgejo'])('flake updates at %s', (dialect) => {
  const bench = useWatchBench(dialect);

  it('shows the update with checks and changed inputs', async () => {
    const pull = bench.openUpdate({ checks: [{ status: 'completed', conclusion: 'success' }] });
    const updates = bench.service();
    await updates.refresh();
    expect(updates.state).toMatchObject({
      source: dialect,
      repo: FAKE_FORGE_REPO,
      fetchedAt: bench.clock.now(),
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
    const updates = bench.service();
    updates.start();
    await until(updates, ({ fetchedAt }) => fetchedAt !== null);
    expect(updates.state.update).toBeNull();
    bench.openUpdate();
    await bench.clock.whenPlanned(1);
    expect(bench.clock.planned()).toEqual([INTERVAL_MS]);
    bench.clock.advance(INTERVAL_MS);
    await until(updates, ({ update }) => update !== null);
    await bench.clock.whenPlanned(1);
    bench.forge.pulls.clear();
    await updates.refresh();
    expect(updates.state.update).toBeNull();
  });

  it('checks again soon while checks run', async () => {
    const pull = bench.openUpdate({ checks: [{ status: 'queued', conclusion: null }] });
    const updates = bench.service();
    await updates.refresh();
    expect(updates.state.update?.checks.status).toBe('running');
    expect(bench.clock.planned()).toEqual([ACTIVE_INTERVAL_MS]);
    pull.checks = [{ status: 'completed', conclusion: 'failure' }];
    bench.clock.advance(ACTIVE_INTERVAL_MS);
    await until(updates, ({ update }) => update?.checks.status === 'failed');
    expect(bench.clock.planned()).toEqual([]);
  });

  it('keeps its state through a failure, with the time of the first failure, and backs off', async () => {
    bench.openUpdate();
    const updates = bench.service();
    await updates.refresh();
    bench.forge.intercept = () => ({ status: 502, body: 'bad gateway' });
    bench.clock.advance(1_000);
    await updates.refresh();
    const since = bench.clock.now();
    expect(updates.state.update?.number).toBe(1);
    expect(updates.state.error).toMatchObject({ since });
    for (const wait of [FIRST_RETRY_MS, FIRST_RETRY_MS * 2, FIRST_RETRY_MS * 4]) {
      expect(bench.clock.planned()).toEqual([wait]);
      bench.clock.advance(wait);
      await updates.refresh();
    }
    expect(updates.state.error?.since).toBe(since);
    expect(bench.logged.filter((line) => line.startsWith('could not check for flake updates'))).toHaveLength(1);
    bench.forge.intercept = null;
    await updates.refresh();
    expect(updates.state.error).toBeNull();
    expect(bench.clock.planned()).toEqual([]);
  });

  it('waits as long as a rate limit requires', async () => {
    bench.forge.intercept = () => fault(429, { message: 'slow down' }, { 'retry-after': '600' });
    const updates = bench.service();
    await updates.refresh();
    expect(updates.state.error?.message).toContain('sends no requests for 10 minutes');
    expect(bench.clock.planned()).toEqual([600_000]);
    await updates.refresh();
    expect(bench.forge.requests).toHaveLength(1);
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
        'a file that was bench.moved away under the cover of an allowed name',
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
      const pull = bench.openUpdate(change);
      const updates = bench.service({ ruled });
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
        bench.openUpdate({ ...RENOVATE, files: [{ filename: `hosts/${i}.nix`, status: 'modified' }] });
      const pull = bench.openUpdate(RENOVATE);
      const updates = bench.service();
      const asked = () => bench.forge.requests.splice(0).filter(({ url }) => url.includes('/files'));
      await updates.refresh();
      expect(asked()).toHaveLength(4);
      bench.clock.advance(1);
      await updates.refresh();
      expect(asked()).toHaveLength(0);
      pull.headSha = bench.forge.newSha();
      bench.clock.advance(1);
      await updates.refresh();
      expect(asked()).toHaveLength(1);
      expect(updates.state.update?.headSha).toBe(pull.headSha);
    });

    it('reads the files of a limited number of other pull requests in one check, and of the rest in the next', async () => {
      bench.openUpdate(RENOVATE);
      for (let i = 0; i < MAX_NEW_OTHERS + 2; i += 1)
        bench.openUpdate({ ...RENOVATE, files: [{ filename: 'hosts/a.nix', status: 'modified' }] });
      const updates = bench.service();
      await updates.refresh();
      expect(updates.state.update).toBeNull();
      expect(bench.forge.requests.filter(({ url }) => url.includes('/files'))).toHaveLength(MAX_NEW_OTHERS);
      bench.clock.advance(1);
      await updates.refresh();
      expect(updates.state.update?.number).toBe(1);
    });

    it('another pull request whose files the forge can’t list does not hide the update', async () => {
      bench.openUpdate();
      const other = bench.forge.addPull({ ...RENOVATE, title: 'Generated documents', head: 'docs' });
      bench.forge.intercept = ({ url }) =>
        url.includes(`/${other.number}/files`) ? { status: 502, body: 'the diff is too large' } : null;
      const updates = bench.service();
      await updates.refresh();
      expect(updates.state).toMatchObject({ error: null, update: { number: 1 } });
    });

    it('the newest of several, with a hint about the others', async () => {
      bench.openUpdate();
      bench.openUpdate();
      const updates = bench.service();
      await updates.refresh();
      expect(updates.state.update?.number).toBe(2);
      expect(updates.state.hint).toBe('Pull request #1 is an older flake update: close it when #2 is merged.');
    });
  });
});

it('says what to set when no forge is configured', async () => {
  const updates = createFlakeUpdates({
    forge: null,
    rule: { base: 'main', lockFile: 'flake.lock', files: [], forks: false },
    method: 'merge',
    intervalMs: INTERVAL_MS,
    clock: new TestClock(),
    log: {} as FlakeUpdatesOptions['log'],
    record: () => undefined,
    onMerged: () => undefined,
  });
  updates.start();
  expect(updates.state.source).toBe('none');
  const result = await updates.merge(1, ADA);
  expect('reason' in result && result.reason).toContain('set NIXFLEET_GITHUB_REPO or NIXFLEET_FORGEJO_URL');
});
