import { describe, expect, it } from 'vitest';
import { MERGEABLE_RETRIES, MERGEABLE_WAIT_MS } from './merge-update';
import type { Dialect, FakeForge } from './testing/fake-forge';
import { fault } from './testing/fake-responses';
import { ADA, useWatchBench } from './testing/update-watch-bench';

describe.each<Dialect>(['github', 'forgejo'])('merging at %s', (dialect) => {
  const bench = useWatchBench(dialect);

  it('merges, records who asked and from where, and removes the update at once', async () => {
    const pull = bench.openUpdate();
    const updates = bench.service();
    await updates.refresh();
    expect(await updates.merge(1, ADA, pull.headSha)).toEqual({ kind: 'merged', commit: pull.mergeCommit });
    expect(updates.state.update).toBeNull();
    expect(bench.moved).toBe(1);
    expect(bench.events).toEqual([
      expect.objectContaining({
        action: 'update.merged',
        outcome: 'merged',
        level: 'success',
        actorKind: 'operator',
        actor: 'ada',
        userId: 'u1',
        address: '192.0.2.7',
        at: bench.clock.now(),
        message: `Flake update #1 (flake.lock: Update) of ada/nixcfg at ${dialect === 'github' ? 'GitHub' : 'Forgejo'} was merged as ${pull.mergeCommit.slice(0, 7)}.`,
      }),
    ]);
  });

  it('answers "merged" for one that is already merged, however often it is asked', async () => {
    const pull = bench.openUpdate();
    const updates = bench.service();
    await updates.merge(1, ADA);
    expect(await updates.merge(1, ADA)).toEqual({ kind: 'merged', commit: pull.mergeCommit });
    expect(bench.forge.requests.filter(({ method }) => method !== 'GET')).toHaveLength(1);
  });

  it('merges once with one event after a double click', async () => {
    bench.openUpdate();
    const updates = bench.service();
    const [first, second] = await Promise.all([updates.merge(1, ADA), updates.merge(1, ADA)]);
    expect(second).toEqual(first);
    expect(bench.events).toHaveLength(1);
  });

  it('detects that it was merged although the answer never arrived', async () => {
    const pull = bench.openUpdate();
    const updates = bench.service();
    bench.forge.intercept = (request, response) => {
      if (request.method === 'GET') return null;
      bench.forge.merge(pull);
      response.destroy();
      return 'handled';
    };
    expect(await updates.merge(1, ADA)).toEqual({ kind: 'merged', commit: pull.mergeCommit });
  });

  it('does not merge what the operator has not seen', async () => {
    const pull = bench.openUpdate();
    const updates = bench.service();
    await updates.refresh();
    const seen = pull.headSha;
    pull.headSha = bench.forge.newSha();
    const result = await updates.merge(1, ADA, seen);
    expect(result).toMatchObject({ kind: 'refused' });
    expect('reason' in result && result.reason).toContain('has changed since you looked at it');
    expect(pull.merged).toBe(false);
    expect(bench.events[0]).toMatchObject({ action: 'update.refused', level: 'warning' });
  });

  it.each<[string, Parameters<FakeForge['addPull']>[0], RegExp]>([
    ['a draft', { draft: true, mergeableState: 'draft' }, /is a draft/],
    ['a conflict', { mergeable: false, mergeableState: 'dirty' }, /conflicts with the branch/],
    ['one that was closed', { state: 'closed' }, /was closed without being merged/],
    ['rules of the branch', { mergeableState: 'blocked' }, /rules of the branch|Does not have enough approvals/],
  ])('refuses %s', async (_what, change, reason) => {
    const pull = bench.openUpdate(change);
    const result = await bench.service().merge(1, ADA);
    expect(result.kind).toBe('refused');
    expect('reason' in result && result.reason).toMatch(reason);
    expect(pull.merged).toBe(false);
  });

  it('refuses an unknown number', async () => {
    const result = await bench.service().merge(99, ADA);
    expect(result).toMatchObject({ kind: 'refused' });
    expect('reason' in result && result.reason).toMatch(/There is no pull request #99/);
  });

  it.each([
    [401, 'refused', /to a valid one/],
    [403, 'refused', /The token is not allowed to merge pull request #1/],
    [502, 'failed', /tries again later/],
  ])('says what to do when the forge answers with %s', async (status, kind, reason) => {
    bench.openUpdate();
    bench.forge.intercept = (request) => (request.method === 'GET' ? null : fault(status, { message: 'no' }));
    const result = await bench.service().merge(1, ADA);
    expect(result.kind).toBe(kind);
    expect('reason' in result && result.reason).toMatch(reason);
    expect(bench.events[0]?.message).toMatch(reason);
  });

  it('does not let an earlier check bring the update back', async () => {
    const pull = bench.openUpdate();
    const updates = bench.service();
    await updates.refresh();
    let release: (() => void) | null = null;
    let held: (() => void) | null = null;
    const isHeld = new Promise<void>((resolve) => (held = resolve));
    // The look has seen the update before the merge, and ends after it has begun.
    const listing = new Promise<void>((resolve) => (release = resolve));
    bench.forge.intercept = (request, response) => {
      if (!request.url.includes('/commits/')) return null;
      bench.forge.intercept = null;
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
    bench.clock.advance(1);
    await updates.refresh();
    expect(updates.state.update).toBeNull();
  });

  it('ends a running merge when it is stopped', async () => {
    bench.openUpdate();
    const updates = bench.service();
    let asked: (() => void) | null = null;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    bench.forge.intercept = () => {
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
  const bench = useWatchBench('github');

  it('is queried again until it knows', async () => {
    const pull = bench.forge.addPull({ mergeable: null });
    const merge = bench.service().merge(1, ADA);
    await bench.clock.whenPlanned(1);
    pull.mergeable = true;
    bench.clock.advance(MERGEABLE_WAIT_MS);
    expect((await merge).kind).toBe('merged');
  });

  it('is queried only a limited number of times', async () => {
    bench.forge.addPull({ mergeable: null });
    const merge = bench.service().merge(1, ADA);
    for (let i = 0; i < MERGEABLE_RETRIES; i += 1) {
      await bench.clock.whenPlanned(1);
      bench.clock.advance(MERGEABLE_WAIT_MS);
    }
    const result = await merge;
    expect(result.kind).toBe('failed');
    expect('reason' in result && result.reason).toMatch(/is still checking whether/);
  });
});
