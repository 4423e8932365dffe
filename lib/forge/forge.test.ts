/** One contract, two forges: everything here holds for GitHub and for Forgejo alike. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Forge, ForgeResult } from './forge';
import { createForgejo } from './forgejo';
import { createGitHub } from './github';
import { FakeForge, FAKE_FORGE_TOKEN, type Dialect } from './testing/fake-forge';
import { MAX_ANSWER_BYTES } from './transport';
import { FAKE_FORGE_REPO, fault } from './testing/fake-responses';

const NOW = Date.parse('2026-02-01T12:00:00Z');
const never = new AbortController().signal;

let fakeForge: FakeForge;
let time: number;

function value<Value>(result: ForgeResult<Value>): Value {
  if (!result.ok) throw new Error(`${result.fault.kind}: ${result.fault.message}`);
  return result.value;
}

function problem(result: ForgeResult<unknown>): { kind: string; message: string } {
  if (result.ok) throw new Error(`expected a fault, got ${JSON.stringify(result.value)}`);
  return result.fault;
}

function connect(dialect: Dialect, change: { url?: string; token?: string | null; timeoutMs?: number } = {}): Forge {
  const { url = fakeForge.url, token = FAKE_FORGE_TOKEN, timeoutMs } = change;
  const common = { repo: FAKE_FORGE_REPO, token, now: () => time, timeoutMs };
  return dialect === 'github' ? createGitHub({ apiUrl: url, ...common }) : createForgejo({ url, ...common });
}

describe.each<Dialect>(['github', 'forgejo'])('%s', (dialect) => {
  const isGitHub = dialect === 'github';
  const name = isGitHub ? 'GitHub' : 'Forgejo';
  const prefix = isGitHub ? 'NIXFLEET_GITHUB' : 'NIXFLEET_FORGEJO';
  const urlVariable = isGitHub ? 'NIXFLEET_GITHUB_API_URL' : 'NIXFLEET_FORGEJO_URL';
  let forge: Forge;

  beforeEach(async () => {
    time = NOW;
    fakeForge = new FakeForge(dialect);
    await fakeForge.start();
    forge = connect(dialect);
  });
  afterEach(() => fakeForge.stop());

  describe('reading', () => {
    it('a pull request with everything shown of it', async () => {
      const pull = fakeForge.addPull({ title: 'flake.lock: Update', labels: ['automated'] });
      expect(value(await forge.pullRequest(1, never))).toEqual({
        number: 1,
        title: 'flake.lock: Update',
        url: isGitHub ? `https://github.com/${FAKE_FORGE_REPO}/pull/1` : `${fakeForge.url}/${FAKE_FORGE_REPO}/pulls/1`,
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
      const pull = fakeForge.addPull({ headSha: 'a'.repeat(64) });
      expect(value(await forge.pullRequest(1, never)).headSha).toBe('a'.repeat(64));
      pull.headSha = 'a'.repeat(50);
      expect(problem(await forge.pullRequest(1, never)).kind).toBe('invalid');
    });

    it('open pull requests of the branch over all pages, newest first', async () => {
      for (let i = 0; i < 130; i += 1) fakeForge.addPull({ base: i === 5 ? 'release' : 'main' });
      fakeForge.addPull({ state: 'closed' });
      const { pulls, isComplete } = value(await forge.openPullRequests('main', never));
      expect(pulls).toHaveLength(129);
      expect(isComplete).toBe(true);
      expect(pulls.map((pull) => pull.number).slice(0, 3)).toEqual([130, 129, 128]);
      expect(pulls.every((pull) => pull.base === 'main' && pull.mergeable !== false)).toBe(true);
    });

    it('reads all pages when the server’s pages are smaller than requested, and reports an incomplete list', async () => {
      fakeForge.maxPageItems = 7;
      for (let i = 0; i < 65; i += 1) fakeForge.addPull();
      expect(value(await forge.openPullRequests('main', never)).pulls).toHaveLength(65);
      for (let i = 0; i < 20; i += 1) fakeForge.addPull();
      const { pulls, isComplete } = value(await forge.openPullRequests('main', never));
      expect(pulls).toHaveLength(70);
      expect(isComplete).toBe(false);
    });

    it('a pull request whose fork is gone, without losing the others', async () => {
      fakeForge.addPull({ headRepo: null });
      fakeForge.addPull();
      fakeForge.addPull({ headRepo: 'eve/nixcfg' });
      const { pulls } = value(await forge.openPullRequests('main', never));
      expect(pulls.find((pull) => pull.number === 2)?.isFromFork).toBe(false);
      expect(pulls.find((pull) => pull.number === 3)?.isFromFork).toBe(true);
      expect(pulls.find((pull) => pull.number === 1)?.isFromFork ?? true).toBe(true);
    });

    it('changed files, including the former name of a moved one', async () => {
      fakeForge.addPull({
        files: [
          { filename: 'flake.lock', status: 'modified' },
          { filename: 'new.nix', status: 'renamed', previous_filename: 'old.nix' },
          { filename: 'gone.nix', status: 'removed' },
        ],
      });
      expect(value(await forge.changedFiles(1, never)).files).toEqual([
        { path: 'flake.lock', removed: false },
        { path: 'new.nix', removed: false },
        { path: 'old.nix', removed: true },
        { path: 'gone.nix', removed: true },
      ]);
    });

    it('a file at a commit or a branch, and null when there is none', async () => {
      fakeForge.setFile('main', 'flake.lock', '{"version":7,"ü":"ö"}');
      expect(value(await forge.file('flake.lock', 'main', never))).toBe('{"version":7,"ü":"ö"}');
      expect(value(await forge.file('flake.lock', 'elsewhere', never))).toBeNull();
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
      const pull = fakeForge.addPull({ checks, statuses });
      expect(value(await forge.checks(pull.headSha, never))).toEqual(expected);
    });

    it('sends conditional requests, which cost nothing for unchanged answers', async () => {
      fakeForge.setFile('main', 'flake.lock', 'first');
      const answers: number[] = [];
      fakeForge.intercept = (_request, response) => {
        response.on('finish', () => answers.push(response.statusCode));
        return null;
      };
      expect(value(await forge.file('flake.lock', 'main', never))).toBe('first');
      expect(value(await forge.file('flake.lock', 'main', never))).toBe('first');
      fakeForge.setFile('main', 'flake.lock', 'second');
      expect(value(await forge.file('flake.lock', 'main', never))).toBe('second');
      expect(answers).toEqual([200, 304, 200]);
    });
  });

  describe('writing', () => {
    it.each(['merge', 'squash', 'rebase'] as const)('merges the reviewed head, by %s', async (method) => {
      const pull = fakeForge.addPull();
      expect(value(await forge.merge(1, pull.headSha, method, never))).toEqual({ commit: pull.mergeCommit });
      expect(pull.merged).toBe(true);
      const after = value(await forge.pullRequest(1, never));
      expect(after).toMatchObject({ isMerged: true, isOpen: false, mergeCommit: pull.mergeCommit });
      const sent = fakeForge.requests.find(({ method: verb }) => verb !== 'GET');
      expect(sent?.body).toContain(`"${method}"`);
    });

    it('does not merge commits pushed meanwhile', async () => {
      const pull = fakeForge.addPull();
      const looked = pull.headSha;
      pull.headSha = fakeForge.newSha();
      const { kind, message } = problem(await forge.merge(1, looked, 'merge', never));
      expect(kind).toBe('refused');
      expect(message).toMatch(isGitHub ? /"Head branch was modified/ : /"head out of date"/);
      expect(pull.merged).toBe(false);
    });

    it('reports the forge’s reason when it does not merge', async () => {
      const pull = fakeForge.addPull({ mergeableState: 'blocked' });
      const { kind, message } = problem(await forge.merge(1, pull.headSha, 'merge', never));
      expect(kind).toBe('refused');
      expect(message).toMatch(isGitHub ? /: "Pull Request is not mergeable"/ : /: "Does not have enough approvals"/);
    });

    it('opens a pull request, and reports an existing one', async () => {
      const wanted = { head: 'nixfleet/color', base: 'main', title: 'theme(a): change color', body: 'x' };
      const { number, url } = value(await forge.createPullRequest(wanted, never));
      expect(url).toContain(String(number));
      expect(fakeForge.pulls.get(number)).toMatchObject({ title: wanted.title, head: wanted.head, base: 'main' });
      expect(problem(await forge.createPullRequest(wanted, never)).kind).toBe('refused');
    });
  });

  describe('faults', () => {
    it('an invalid token', async () => {
      fakeForge.addPull();
      const { kind, message } = problem(await connect(dialect, { token: 'wr0ng' }).pullRequest(1, never));
      expect(kind).toBe('unauthorised');
      expect(message).toContain(`Set ${prefix}_TOKEN to a valid one`);
      expect(message).not.toContain('wr0ng');
    });

    it('no token', async () => {
      const { kind, message } = problem(await connect(dialect, { token: null }).pullRequest(1, never));
      expect(kind).toBe('unauthorised');
      expect(message).toContain(`set ${prefix}_TOKEN`);
      expect(fakeForge.requests[0]?.headers.authorization).toBeUndefined();
    });

    it('a token without the permission', async () => {
      const pull = fakeForge.addPull();
      fakeForge.intercept = () =>
        isGitHub
          ? fault(
              403,
              { message: 'Resource not accessible by personal access token' },
              { 'x-accepted-github-permissions': 'contents=write' },
            )
          : fault(403, { message: 'token does not have at least one of required scope(s): [write:repository]' });
      const { kind, message } = problem(await forge.merge(1, pull.headSha, 'merge', never));
      expect(kind).toBe('forbidden');
      expect(message).toContain('The token is not allowed to merge pull request #1');
      expect(message).toContain(isGitHub ? 'contents=write' : 'write:repository');
      expect(message).toContain(`${prefix}_TOKEN`);
    });

    it('a missing pull request', async () => {
      const { kind, message } = problem(await forge.pullRequest(4711, never));
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
      fakeForge.addPull();
      fakeForge.intercept = () => fault(status, { message }, headers);
      const first = await forge.pullRequest(1, never);
      expect(first.ok ? null : first.fault).toMatchObject({ kind: 'rate-limited', retryAfterMs: restMs });
      fakeForge.intercept = null;
      time += restMs - 1;
      expect(problem(await forge.pullRequest(1, never)).kind).toBe('rate-limited');
      expect(fakeForge.requests).toHaveLength(1);
      time += 1;
      expect(value(await forge.pullRequest(1, never)).number).toBe(1);
    });

    it.each([500, 502, 503])('a server error (%s)', async (status) => {
      fakeForge.intercept = () => ({ status, headers: { 'content-type': 'text/html' }, body: '<h1>Bad gateway</h1>' });
      const { kind, message } = problem(await forge.pullRequest(1, never));
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
      fakeForge.intercept = () => ({ status: 200, body });
      const { kind, message } = problem(await forge.pullRequest(1, never));
      expect(kind).toBe('invalid');
      expect(message).toContain(`does not answer like ${name}`);
      expect(message).toContain(urlVariable);
    });

    it('a list without a readable item', async () => {
      fakeForge.intercept = () => ({ status: 200, body: '[{"number":1},{}]' });
      expect(problem(await forge.openPullRequests('main', never)).kind).toBe('invalid');
    });

    it('a link that is not http', async () => {
      fakeForge.addPull();
      const path = isGitHub ? '/repos' : '/api/v1/repos';
      const plain = await fetch(`${fakeForge.url}${path}/${FAKE_FORGE_REPO}/pulls/1`, {
        headers: { authorization: `token ${FAKE_FORGE_TOKEN}` },
      });
      const answer = (await plain.json()) as Record<string, unknown>;
      fakeForge.intercept = () => ({
        status: 200,
        body: JSON.stringify({ ...answer, html_url: 'javascript:alert(1)' }),
      });
      const { kind, message } = problem(await forge.pullRequest(1, never));
      expect(kind).toBe('invalid');
      expect(message).toContain('(at html_url)');
    });

    it('an endless answer', async () => {
      fakeForge.intercept = (_request, response) => {
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
      const { kind, message } = problem(await forge.pullRequest(1, never));
      expect(kind).toBe('invalid');
      expect(message).toContain(`more than ${MAX_ANSWER_BYTES / 1024 / 1024} MiB`);
    });

    it('no answer', async () => {
      fakeForge.intercept = () => 'handled';
      const { kind, message } = problem(await connect(dialect, { timeoutMs: 50 }).pullRequest(1, never));
      expect(kind).toBe('unreachable');
      expect(message).toContain('did not answer within 0.05 s');
    });

    it('an answer that stops in the middle', async () => {
      fakeForge.intercept = (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"number":', () => response.destroy());
        return 'handled';
      };
      expect(problem(await forge.pullRequest(1, never)).kind).toBe('unreachable');
    });

    it('a refused connection', async () => {
      await fakeForge.stop();
      const { kind, message } = problem(await forge.pullRequest(1, never));
      expect(kind).toBe('unreachable');
      expect(message).toContain('ECONNREFUSED');
      expect(message).toContain(urlVariable);
    });

    it('a stop', async () => {
      const stop = new AbortController();
      fakeForge.intercept = () => {
        stop.abort();
        return 'handled';
      };
      expect(problem(await forge.pullRequest(1, stop.signal)).kind).toBe('stopped');
      expect(problem(await forge.pullRequest(1, stop.signal)).kind).toBe('stopped');
      expect(fakeForge.requests).toHaveLength(1);
    });

    it('a request does not wait for an aborted one', async () => {
      fakeForge.addPull();
      const stop = new AbortController();
      fakeForge.intercept = () => {
        fakeForge.intercept = null;
        stop.abort();
        return 'handled';
      };
      const stuck = forge.pullRequest(1, stop.signal);
      const next = forge.pullRequest(1, never);
      expect(problem(await stuck).kind).toBe('stopped');
      expect(value(await next).number).toBe(1);
    });
  });

  describe('redirects', () => {
    it('are followed on the same server, as for a renamed repository', async () => {
      const pull = fakeForge.addPull();
      fakeForge.intercept = (request) =>
        request.url.includes('moved')
          ? null
          : { status: 301, headers: { location: `${request.url}?moved=1` }, body: '' };
      expect(value(await forge.pullRequest(1, never)).number).toBe(1);
      fakeForge.intercept = (request) =>
        request.url.includes('moved') || request.method === 'GET'
          ? null
          : { status: 307, headers: { location: `${request.url}?moved=1` }, body: '' };
      value(await forge.merge(1, pull.headSha, 'merge', never));
      expect(pull.merged).toBe(true);
    });

    it('never lead to another server with the token', async () => {
      const other = new FakeForge(dialect);
      await other.start();
      try {
        fakeForge.intercept = (request) => ({
          status: 302,
          headers: { location: `${other.url}${request.url}` },
          body: '',
        });
        const { kind, message } = problem(await forge.pullRequest(1, never));
        expect(kind).toBe('invalid');
        expect(message).toContain('redirects to another server');
        expect(other.requests).toEqual([]);
      } finally {
        await other.stop();
      }
    });

    it('do not turn a write into a read', async () => {
      const pull = fakeForge.addPull();
      fakeForge.intercept = (request) =>
        request.method === 'GET' ? null : { status: 302, headers: { location: '/elsewhere' }, body: '' };
      expect(problem(await forge.merge(1, pull.headSha, 'merge', never)).message).toContain(
        'a request that changes something',
      );
    });

    it('are limited in number', async () => {
      fakeForge.intercept = (request) => ({ status: 302, headers: { location: request.url }, body: '' });
      expect(problem(await forge.pullRequest(1, never)).message).toContain('more than 3 times');
      expect(fakeForge.requests).toHaveLength(4);
    });
  });

  it('sends one request at a time', async () => {
    fakeForge.addPull();
    let open = 0;
    let most = 0;
    fakeForge.intercept = (_request, response) => {
      open += 1;
      most = Math.max(most, open);
      response.on('finish', () => (open -= 1));
      return null;
    };
    await Promise.all(Array.from({ length: 8 }, () => forge.pullRequest(1, never)));
    expect(fakeForge.requests).toHaveLength(8);
    expect(most).toBe(1);
  });

  it('sends the token in one header only: not in an address, body or message, even when the forge repeats it', async () => {
    const pull = fakeForge.addPull();
    fakeForge.setFile('main', 'flake.lock', 'x');
    await forge.openPullRequests('main', never);
    await forge.pullRequest(1, never);
    await forge.changedFiles(1, never);
    await forge.checks(pull.headSha, never);
    await forge.file('flake.lock', 'main', never);
    await forge.createPullRequest({ head: 'h', base: 'main', title: 't', body: 'b' }, never);
    await forge.merge(1, pull.headSha, 'merge', never);
    expect(fakeForge.requests.length).toBeGreaterThan(6);
    for (const request of fakeForge.requests) {
      const { authorization, ...others } = request.headers;
      expect(authorization).toContain(FAKE_FORGE_TOKEN);
      expect(JSON.stringify({ ...request, headers: others })).not.toContain(FAKE_FORGE_TOKEN);
    }
    for (const status of [401, 403, 404, 409, 500]) {
      fakeForge.intercept = () => fault(status, { message: `bad token ${FAKE_FORGE_TOKEN}` });
      const { message } = problem(await forge.pullRequest(1, never));
      expect(message).not.toContain(FAKE_FORGE_TOKEN);
    }
  });
});

function done(conclusion: string) {
  return { status: 'completed', conclusion };
}

describe('states that only GitHub has', () => {
  beforeEach(async () => {
    time = NOW;
    fakeForge = new FakeForge('github');
    await fakeForge.start();
  });
  afterEach(() => fakeForge.stop());

  it.each([
    ['clean', true, ''],
    ['unstable', true, ''],
    ['has_hooks', true, ''],
    ['blocked', true, /rules of the branch require something first/],
    ['behind', true, /behind the branch/],
    ['dirty', false, /conflicts with the branch/],
    ['draft', true, /is a draft/],
  ])('the state %s', async (mergeableState, mergeable, expected) => {
    fakeForge.addPull({ mergeableState, mergeable });
    const { obstacle } = value(await connect('github').pullRequest(1, never));
    if (typeof expected === 'string') expect(obstacle).toBe(expected);
    else expect(obstacle).toMatch(expected);
  });

  it('not known yet', async () => {
    fakeForge.addPull({ mergeable: null });
    expect(value(await connect('github').pullRequest(1, never))).toMatchObject({ mergeable: null, obstacle: '' });
  });
});
