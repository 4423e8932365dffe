/** One contract, two forges: what a failed request to GitHub or to Forgejo reports. */
import { describe, expect, it } from 'vitest';
import { FAKE_FORGE_TOKEN, type Dialect } from './testing/fake-forge';
import { FAKE_FORGE_REPO, fault } from './testing/fake-responses';
import { never, NOW, problem, value, useForgeBench } from './testing/forge-bench';
import { MAX_ANSWER_BYTES } from './transport';

describe.each<Dialect>(['github', 'forgejo'])('faults of %s', (dialect) => {
  const isGitHub = dialect === 'github';
  const name = dialect === 'github' ? 'GitHub' : 'Forgejo';
  const prefix = dialect === 'github' ? 'NIXFLEET_GITHUB' : 'NIXFLEET_FORGEJO';
  const urlVariable = dialect === 'github' ? 'NIXFLEET_GITHUB_API_URL' : 'NIXFLEET_FORGEJO_URL';
  const bench = useForgeBench(dialect);

  it('an invalid token', async () => {
    bench.fakeForge.addPull();
    const { kind, message } = problem(await bench.connect({ token: 'wr0ng' }).pullRequest(1, never));
    expect(kind).toBe('unauthorised');
    expect(message).toContain(`Set ${prefix}_TOKEN to a valid one`);
    expect(message).not.toContain('wr0ng');
  });

  it('no token', async () => {
    const { kind, message } = problem(await bench.connect({ token: null }).pullRequest(1, never));
    expect(kind).toBe('unauthorised');
    expect(message).toContain(`set ${prefix}_TOKEN`);
    expect(bench.fakeForge.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('a token without the permission', async () => {
    const pull = bench.fakeForge.addPull();
    bench.fakeForge.intercept = () =>
      isGitHub
        ? fault(
            403,
            { message: 'Resource not accessible by personal access token' },
            { 'x-accepted-github-permissions': 'contents=write' },
          )
        : fault(403, { message: 'token does not have at least one of required scope(s): [write:repository]' });
    const { kind, message } = problem(await bench.forge.merge(1, pull.headSha, 'merge', never));
    expect(kind).toBe('forbidden');
    expect(message).toContain('The token is not allowed to merge pull request #1');
    expect(message).toContain(isGitHub ? 'contents=write' : 'write:repository');
    expect(message).toContain(`${prefix}_TOKEN`);
  });

  it('a missing pull request', async () => {
    const { kind, message } = problem(await bench.forge.pullRequest(4711, never));
    expect(kind).toBe('not-found');
    expect(message).toContain(`Check ${prefix}_REPO (${FAKE_FORGE_REPO})`);
  });

  it.each([
    ['429 with seconds', 429, { 'retry-after': '120' }, '', 120_000],
    ['429 with a date', 429, { 'retry-after': new Date(NOW + 90_000).toUTCString() }, '', 90_000],
    ['403 with seconds', 403, { 'retry-after': '60' }, '', 60_000],
    [
      '403 with nothing remaining',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 + 600) },
      '',
      600_000,
    ],
    ['403 with only a message', 403, {}, 'You have exceeded a secondary rate limit.', 60_000],
    ['429 without a header', 429, {}, '', 60_000],
    ['an absurd time', 429, { 'retry-after': '999999999' }, '', 3_600_000],
    ['nonsense', 429, { 'retry-after': 'soon' }, '', 60_000],
  ])('a rate limit: %s, is kept without asking again', async (_what, status, headers, message, restMs) => {
    bench.fakeForge.addPull();
    bench.fakeForge.intercept = () => fault(status, { message }, headers);
    const first = await bench.forge.pullRequest(1, never);
    expect(first.ok ? null : first.fault).toMatchObject({ kind: 'rate-limited', retryAfterMs: restMs });
    bench.fakeForge.intercept = null;
    bench.time += restMs - 1;
    expect(problem(await bench.forge.pullRequest(1, never)).kind).toBe('rate-limited');
    expect(bench.fakeForge.requests).toHaveLength(1);
    bench.time += 1;
    expect(value(await bench.forge.pullRequest(1, never)).number).toBe(1);
  });

  it.each([500, 502, 503])('a server error (%s)', async (status) => {
    bench.fakeForge.intercept = () => ({
      status,
      headers: { 'content-type': 'text/html' },
      body: '<h1>Bad gateway</h1>',
    });
    const { kind, message } = problem(await bench.forge.pullRequest(1, never));
    expect(kind).toBe('unreachable');
    expect(message).toContain(`${name} failed (HTTP status ${status})`);
  });

  it.each([
    ['not JSON', 'no json'],
    ['a page of something else', '<!doctype html><title>Sign in</title>'],
    ['other JSON', '{"hello":"world"}'],
    ['nothing', ''],
    ['an array', '[]'],
    ['a number of a wrong type', '{"number":"1"}'],
  ])('an answer that is %s', async (_what, body) => {
    bench.fakeForge.intercept = () => ({ status: 200, body });
    const { kind, message } = problem(await bench.forge.pullRequest(1, never));
    expect(kind).toBe('invalid');
    expect(message).toContain(`does not answer like ${name}`);
    expect(message).toContain(urlVariable);
  });

  it('a list without a readable item', async () => {
    bench.fakeForge.intercept = () => ({ status: 200, body: '[{"number":1},{}]' });
    expect(problem(await bench.forge.openPullRequests('main', never)).kind).toBe('invalid');
  });

  it('a link that is not http', async () => {
    bench.fakeForge.addPull();
    const path = isGitHub ? '/repos' : '/api/v1/repos';
    const plain = await fetch(`${bench.fakeForge.url}${path}/${FAKE_FORGE_REPO}/pulls/1`, {
      headers: { authorization: `token ${FAKE_FORGE_TOKEN}` },
    });
    const answer = (await plain.json()) as Record<string, unknown>;
    bench.fakeForge.intercept = () => ({
      status: 200,
      body: JSON.stringify({ ...answer, html_url: 'javascript:alert(1)' }),
    });
    const { kind, message } = problem(await bench.forge.pullRequest(1, never));
    expect(kind).toBe('invalid');
    expect(message).toContain('(at html_url)');
  });

  it('an endless answer', async () => {
    bench.fakeForge.intercept = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const chunk = Buffer.alloc(1024 * 1024, 0x20);
      const more = () => {
        while (response.write(chunk));
        response.once('drain', more);
      };
      response.on('error', () => undefined);
      more();
      return 'handled';
    };
    const { kind, message } = problem(await bench.forge.pullRequest(1, never));
    expect(kind).toBe('invalid');
    expect(message).toContain(`more than ${MAX_ANSWER_BYTES / 1024 / 1024} MiB`);
  });

  it('no answer', async () => {
    bench.fakeForge.intercept = () => 'handled';
    const { kind, message } = problem(await bench.connect({ timeoutMs: 50 }).pullRequest(1, never));
    expect(kind).toBe('unreachable');
    expect(message).toContain('did not answer within 0.05 s');
  });

  it('an answer that stops in the middle', async () => {
    bench.fakeForge.intercept = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"number":', () => response.destroy());
      return 'handled';
    };
    expect(problem(await bench.forge.pullRequest(1, never)).kind).toBe('unreachable');
  });

  it('a refused connection', async () => {
    await bench.fakeForge.stop();
    const { kind, message } = problem(await bench.forge.pullRequest(1, never));
    expect(kind).toBe('unreachable');
    expect(message).toContain('ECONNREFUSED');
    expect(message).toContain(urlVariable);
  });

  it('a stop', async () => {
    const stop = new AbortController();
    bench.fakeForge.intercept = () => {
      stop.abort();
      return 'handled';
    };
    expect(problem(await bench.forge.pullRequest(1, stop.signal)).kind).toBe('stopped');
    expect(problem(await bench.forge.pullRequest(1, stop.signal)).kind).toBe('stopped');
    expect(bench.fakeForge.requests).toHaveLength(1);
  });

  it('a request does not wait for an aborted one', async () => {
    bench.fakeForge.addPull();
    const stop = new AbortController();
    bench.fakeForge.intercept = () => {
      bench.fakeForge.intercept = null;
      stop.abort();
      return 'handled';
    };
    const stuck = bench.forge.pullRequest(1, stop.signal);
    const next = bench.forge.pullRequest(1, never);
    expect(problem(await stuck).kind).toBe('stopped');
    expect(value(await next).number).toBe(1);
  });
});
