/** One contract, two forges: what is read from GitHub and from Forgejo. */
import { describe, expect, it } from 'vitest';
import type { Dialect } from './testing/fake-forge';
import { FAKE_FORGE_REPO } from './testing/fake-responses';
import { never, problem, value, useForgeBench } from './testing/forge-bench';

describe.each<Dialect>(['github', 'forgejo'])('reading from %s', (dialect) => {
  const isGitHub = dialect === 'github';
  const bench = useForgeBench(dialect);

  it('a pull request with everything shown of it', async () => {
    const pull = bench.fakeForge.addPull({ title: 'flake.lock: Update', labels: ['automated'] });
    expect(value(await bench.forge.pullRequest(1, never))).toEqual({
      number: 1,
      title: 'flake.lock: Update',
      url: isGitHub
        ? `https://github.com/${FAKE_FORGE_REPO}/pull/1`
        : `${bench.fakeForge.url}/${FAKE_FORGE_REPO}/pulls/1`,
      author: 'flake-bot',
      createdAt: Date.parse('2026-01-31T06:00:00Z'),
      labels: ['automated'],
      isOpen: true,
      isDraft: false,
      isMerged: false,
      mergeCommit: '',
      mergeable: true,
      obstacle: '',
      base: 'main',
      head: 'update_flake_lock_action',
      headSha: pull.headSha,
      isFromFork: false,
    });
  });

  it('a pull request of a SHA-256 repository, and none whose commit is no commit id', async () => {
    const pull = bench.fakeForge.addPull({ headSha: 'a'.repeat(64) });
    expect(value(await bench.forge.pullRequest(1, never)).headSha).toBe('a'.repeat(64));
    pull.headSha = 'a'.repeat(50);
    expect(problem(await bench.forge.pullRequest(1, never)).kind).toBe('invalid');
  });

  it('open pull requests of the branch over all pages, newest first', async () => {
    for (let i = 0; i < 130; i += 1) bench.fakeForge.addPull({ base: i === 5 ? 'release' : 'main' });
    bench.fakeForge.addPull({ state: 'closed' });
    const { pulls, isComplete } = value(await bench.forge.openPullRequests('main', never));
    expect(pulls).toHaveLength(129);
    expect(isComplete).toBe(true);
    expect(pulls.map((pull) => pull.number).slice(0, 3)).toEqual([130, 129, 128]);
    expect(pulls.every((pull) => pull.base === 'main' && pull.mergeable !== false)).toBe(true);
  });

  it('reads all pages when the server’s pages are smaller than requested, and reports an incomplete list', async () => {
    bench.fakeForge.maxPageItems = 7;
    for (let i = 0; i < 65; i += 1) bench.fakeForge.addPull();
    expect(value(await bench.forge.openPullRequests('main', never)).pulls).toHaveLength(65);
    for (let i = 0; i < 20; i += 1) bench.fakeForge.addPull();
    const { pulls, isComplete } = value(await bench.forge.openPullRequests('main', never));
    expect(pulls).toHaveLength(70);
    expect(isComplete).toBe(false);
  });

  it('a pull request whose fork is gone, without losing the others', async () => {
    bench.fakeForge.addPull({ headRepo: null });
    bench.fakeForge.addPull();
    bench.fakeForge.addPull({ headRepo: 'eve/nixcfg' });
    const { pulls } = value(await bench.forge.openPullRequests('main', never));
    expect(pulls.find((pull) => pull.number === 2)?.isFromFork).toBe(false);
    expect(pulls.find((pull) => pull.number === 3)?.isFromFork).toBe(true);
    expect(pulls.find((pull) => pull.number === 1)?.isFromFork ?? true).toBe(true);
  });

  it('changed files, including the former name of a moved one', async () => {
    bench.fakeForge.addPull({
      files: [
        { filename: 'flake.lock', status: 'modified' },
        { filename: 'new.nix', status: 'renamed', previous_filename: 'old.nix' },
        { filename: 'gone.nix', status: 'removed' },
      ],
    });
    expect(value(await bench.forge.changedFiles(1, never)).files).toEqual([
      { path: 'flake.lock', removed: false },
      { path: 'new.nix', removed: false },
      { path: 'old.nix', removed: true },
      { path: 'gone.nix', removed: true },
    ]);
  });

  it('a file at a commit or a branch, and null when there is none', async () => {
    bench.fakeForge.setFile('main', 'flake.lock', '{"version":7,"ü":"ö"}');
    expect(value(await bench.forge.file('flake.lock', 'main', never))).toBe('{"version":7,"ü":"ö"}');
    expect(value(await bench.forge.file('flake.lock', 'elsewhere', never))).toBeNull();
  });

  it.each([
    ['none', [], [], { status: 'none', passed: 0, running: 0, failed: 0 }],
    ['passed', [done('success')], ['success'], { status: 'passed', passed: 2, running: 0, failed: 0 }],
    [
      'running',
      [done('success'), { status: 'in_progress', conclusion: null }],
      [],
      { status: 'running', passed: 1, running: 1, failed: 0 },
    ],
    [
      'failed',
      [done('failure'), { status: 'queued', conclusion: null }],
      ['error'],
      { status: 'failed', passed: 0, running: 1, failed: 2 },
    ],
  ])('checks that are together %s', async (_word, checks, statuses, expected) => {
    const pull = bench.fakeForge.addPull({ checks, statuses });
    expect(value(await bench.forge.checks(pull.headSha, never))).toEqual(expected);
  });

  it('sends conditional requests, which cost nothing for unchanged answers', async () => {
    bench.fakeForge.setFile('main', 'flake.lock', 'first');
    const answers: number[] = [];
    bench.fakeForge.intercept = (_request, response) => {
      response.on('finish', () => answers.push(response.statusCode));
      return null;
    };
    expect(value(await bench.forge.file('flake.lock', 'main', never))).toBe('first');
    expect(value(await bench.forge.file('flake.lock', 'main', never))).toBe('first');
    bench.fakeForge.setFile('main', 'flake.lock', 'second');
    expect(value(await bench.forge.file('flake.lock', 'main', never))).toBe('second');
    expect(answers).toEqual([200, 304, 200]);
  });
});

function done(conclusion: string) {
  return { status: 'completed', conclusion };
}
