/** One contract, two forges: how requests are sent to GitHub and to Forgejo, and which redirects they follow. */
import { describe, expect, it } from 'vitest';
import { FakeForge, FAKE_FORGE_TOKEN, type Dialect } from './testing/fake-forge';
import { fault } from './testing/fake-responses';
import { never, problem, value, useForgeBench } from './testing/forge-bench';

describe.each<Dialect>(['github', 'forgejo'])('requests to %s', (dialect) => {
  const bench = useForgeBench(dialect);

  describe('redirects', () => {
    it('are followed on the same server, as for a renamed repository', async () => {
      const pull = bench.fakeForge.addPull();
      bench.fakeForge.intercept = (request) =>
        request.url.includes('moved')
          ? null
          : { status: 301, headers: { location: `${request.url}?moved=1` }, body: '' };
      expect(value(await bench.forge.pullRequest(1, never)).number).toBe(1);
      bench.fakeForge.intercept = (request) =>
        request.url.includes('moved') || request.method === 'GET'
          ? null
          : { status: 307, headers: { location: `${request.url}?moved=1` }, body: '' };
      value(await bench.forge.merge(1, pull.headSha, 'merge', never));
      expect(pull.merged).toBe(true);
    });

    it('never lead to another server with the token', async () => {
      const other = new FakeForge(dialect);
      await other.start();
      try {
        bench.fakeForge.intercept = (request) => ({
          status: 302,
          headers: { location: `${other.url}${request.url}` },
          body: '',
        });
        const { kind, message } = problem(await bench.forge.pullRequest(1, never));
        expect(kind).toBe('invalid');
        expect(message).toContain('redirects to another server');
        expect(other.requests).toEqual([]);
      } finally {
        await other.stop();
      }
    });

    it('do not turn a write into a read', async () => {
      const pull = bench.fakeForge.addPull();
      bench.fakeForge.intercept = (request) =>
        request.method === 'GET' ? null : { status: 302, headers: { location: '/elsewhere' }, body: '' };
      expect(problem(await bench.forge.merge(1, pull.headSha, 'merge', never)).message).toContain(
        'a request that changes something',
      );
    });

    it('are limited in number', async () => {
      bench.fakeForge.intercept = (request) => ({ status: 302, headers: { location: request.url }, body: '' });
      expect(problem(await bench.forge.pullRequest(1, never)).message).toContain('more than 3 times');
      expect(bench.fakeForge.requests).toHaveLength(4);
    });
  });

  it('sends one request at a time', async () => {
    bench.fakeForge.addPull();
    let open = 0;
    let most = 0;
    bench.fakeForge.intercept = (_request, response) => {
      open += 1;
      most = Math.max(most, open);
      response.on('finish', () => (open -= 1));
      return null;
    };
    await Promise.all(Array.from({ length: 8 }, () => bench.forge.pullRequest(1, never)));
    expect(bench.fakeForge.requests).toHaveLength(8);
    expect(most).toBe(1);
  });

  it('sends the token in one header only: not in an address, body or message, even when the forge repeats it', async () => {
    const pull = bench.fakeForge.addPull();
    bench.fakeForge.setFile('main', 'flake.lock', 'x');
    await bench.forge.openPullRequests('main', never);
    await bench.forge.pullRequest(1, never);
    await bench.forge.changedFiles(1, never);
    await bench.forge.checks(pull.headSha, never);
    await bench.forge.file('flake.lock', 'main', never);
    await bench.forge.createPullRequest({ head: 'h', base: 'main', title: 't', body: 'b' }, never);
    await bench.forge.merge(1, pull.headSha, 'merge', never);
    expect(bench.fakeForge.requests.length).toBeGreaterThan(6);
    for (const request of bench.fakeForge.requests) {
      const { authorization, ...others } = request.headers;
      expect(authorization).toContain(FAKE_FORGE_TOKEN);
      expect(JSON.stringify({ ...request, headers: others })).not.toContain(FAKE_FORGE_TOKEN);
    }
    for (const status of [401, 403, 404, 409, 500]) {
      bench.fakeForge.intercept = () => fault(status, { message: `bad token ${FAKE_FORGE_TOKEN}` });
      const { message } = problem(await bench.forge.pullRequest(1, never));
      expect(message).not.toContain(FAKE_FORGE_TOKEN);
    }
  });
});
