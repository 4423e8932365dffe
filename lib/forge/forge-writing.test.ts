/** One contract, two forges: merging and opening pull requests at GitHub and at Forgejo. */
import { describe, expect, it } from 'vitest';
import type { Dialect } from './testing/fake-forge';
import { never, problem, value, useForgeBench } from './testing/forge-bench';

describe.each<Dialect>(['github', 'forgejo'])('writing to %s', (dialect) => {
  const isGitHub = dialect === 'github';
  const bench = useForgeBench(dialect);

  it.each(['merge', 'squash', 'rebase'] as const)('merges the reviewed head, by %s', async (method) => {
    const pull = bench.fakeForge.addPull();
    expect(value(await bench.forge.merge(1, pull.headSha, method, never))).toEqual({ commit: pull.mergeCommit });
    expect(pull.merged).toBe(true);
    const after = value(await bench.forge.pullRequest(1, never));
    expect(after).toMatchObject({ isMerged: true, isOpen: false, mergeCommit: pull.mergeCommit });
    const sent = bench.fakeForge.requests.find(({ method: verb }) => verb !== 'GET');
    expect(sent?.body).toContain(`"${method}"`);
  });

  it('does not merge commits pushed meanwhile', async () => {
    const pull = bench.fakeForge.addPull();
    const looked = pull.headSha;
    pull.headSha = bench.fakeForge.newSha();
    const { kind, message } = problem(await bench.forge.merge(1, looked, 'merge', never));
    expect(kind).toBe('refused');
    expect(message).toMatch(isGitHub ? /"Head branch was modified/ : /"head out of date"/);
    expect(pull.merged).toBe(false);
  });

  it('reports the forge’s reason when it does not merge', async () => {
    const pull = bench.fakeForge.addPull({ mergeableState: 'blocked' });
    const { kind, message } = problem(await bench.forge.merge(1, pull.headSha, 'merge', never));
    expect(kind).toBe('refused');
    expect(message).toMatch(isGitHub ? /: "Pull Request is not mergeable"/ : /: "Does not have enough approvals"/);
  });

  it('opens a pull request, and reports an existing one', async () => {
    const wanted = { head: 'nixfleet/color', base: 'main', title: 'theme(a): change color', body: 'x' };
    const { number, url } = value(await bench.forge.createPullRequest(wanted, never));
    expect(url).toContain(String(number));
    expect(bench.fakeForge.pulls.get(number)).toMatchObject({ title: wanted.title, head: wanted.head, base: 'main' });
    expect(problem(await bench.forge.createPullRequest(wanted, never)).kind).toBe('refused');
  });
});
