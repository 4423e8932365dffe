/** One contract, two forges: everything here holds for GitHub and for Forgejo alike. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Forge, ForgeResult } from './forge';
import { createForgejo } from './forgejo';
import { createGitHub } from './github';
import { fault, StandIn, STAND_IN_REPO, STAND_IN_TOKEN, type Dialect } from './testing/stand-in-forge';
import { MAX_ANSWER_BYTES } from './transport';

const NOW = Date.parse('2026-02-01T12:00:00Z');
const never = new AbortController().signal;

let standIn: StandIn;
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
  const { url = standIn.url, token = STAND_IN_TOKEN, timeoutMs } = change;
  const common = { repo: STAND_IN_REPO, token, now: () => time, timeoutMs };
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
    standIn = new StandIn(dialect);
    await standIn.start();
    forge = connect(dialect);
  });
  afterEach(() => standIn.stop());

  describe('reading', () => {
    it('a pull request with everything shown of it', async () => {
      const pull = standIn.addPull({ title: 'flake.lock: Update', labels: ['automated'] });
      expect(value(await forge.pullRequest(1, never))).toEqual({
        number: 1,
        title: 'flake.lock: Update',
        url: isGitHub ? `https://github.com/${STAND_IN_REPO}/pull/1` : `${standIn.url}/${STAND_IN_REPO}/pulls/1`,
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

    it('open pull requests of the branch over all pages, newest first', async () => {
      for (let i = 0; i < 130; i += 1) standIn.addPull({ base: i === 5 ? 'release' : 'main' });
      standIn.addPull({ state: 'closed' });
      const { pulls, isComplete } = value(await forge.openPullRequests('main', never));
      expect(pulls).toHaveLength(129);
      expect(isComplete).toBe(true);
      expect(pulls.map((pull) => pull.number).slice(0, 3)).toEqual([130, 129, 128]);
      expect(pulls.every((pull) => pull.base === 'main' && pull.mergeable !== false)).toBe(true);
    });

    it('a list of a server with smaller pages than requested, and whether it is complete', async () => {
      standIn.maxPageItems = 7;
      for (let i = 0; i < 65; i += 1) standIn.addPull();
      expect(value(await forge.openPullRequests('main', never)).pulls).toHaveLength(65);
      for (let i = 0; i < 20; i += 1) standIn.addPull();
      const { pulls, isComplete } = value(await forge.openPullRequests('main', never));
      expect(pulls).toHaveLength(70);
      expect(isComplete).toBe(false);
    });

    it('a pull request whose fork is gone, without losing the others', async () => {
      standIn.addPull({ headRepo: null });
      standIn.addPull();
      standIn.addPull({ headRepo: 'eve/nixcfg' });
      const { pulls } = value(await forge.openPullRequests('main', never));
      expect(pulls.find((pull) => pull.number === 2)?.isFromFork).toBe(false);
      expect(pulls.find((pull) => pull.number === 3)?.isFromFork).toBe(true);
      expect(pulls.find((pull) => pull.number === 1)?.isFromFork ?? true).toBe(true);
    });

    it('changed files, including the former name of a moved one', async () => {
      standIn.addPull({
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
      standIn.setFile('main', 'flake.lock', '{"version":7,"ü":"ö"}');
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
      const pull = standIn.addPull({ checks, statuses });
      expect(value(await forge.checks(pull.headSha, never))).toEqual(expected);
    });

    it('sends conditional requests, which cost nothing for unchanged answers', async () => {
      standIn.setFile('main', 'flake.lock', 'first');
      const answers: number[] = [];
      standIn.intercept = (_request, response) => {
        response.on('finish', () => answers.push(response.statusCode));
        return null;
      };
      expect(value(await forge.file('flake.lock', 'main', never))).toBe('first');
      expect(value(await forge.file('flake.lock', 'main', never))).toBe('first');
      standIn.setFile('main', 'flake.lock', 'second');
      expect(value(await forge.file('flake.lock', 'main', never))).toBe('second');
      expect(answers).toEqual([200, 304, 200]);
    });
  });

  describe('writing', () => {
    it.each(['merge', 'squash', 'rebase'] as const)('merges the reviewed head, by %s', async (method) => {
      const pull = standIn.addPull();
      expect(value(await forge.merge(1, pull.headSha, method, never))).toEqual({ commit: pull.mergeCommit });
      expect(pull.merged).toBe(true);
      const after = value(await forge.pullRequest(1, never));
      expect(after).toMatchObject({ isMerged: true, isOpen: false, mergeCommit: pull.mergeCommit });
      const sent = standIn.requests.find(({ method: verb }) => verb !== 'GET');
      expect(sent?.body).toContain(`"${method}"`);
    });

    it('does not merge commits pushed meanwhile', async () => {
      const pull = standIn.addPull();
      const looked = pull.headSha;
      pull.headSha = standIn.newSha();
      const { kind, message } = problem(await forge.merge(1, looked, 'merge', never));
      expect(kind).toBe('refused');
      expect(message).toMatch(isGitHub ? /"Head branch was modified/ : /"head out of date"/);
      expect(pull.merged).toBe(false);
    });

    it('reports the forge’s reason when it does not merge', async () => {
      const pull = standIn.addPull({ mergeableState: 'blocked' });
      const { kind, message } = problem(await forge.merge(1, pull.headSha, 'merge', never));
      expect(kind).toBe('refused');
      expect(message).toMatch(isGitHub ? /: "Pull Request is not mergeable"/ : /: "Does not have enough approvals"/);
    });

    it('opens a pull request, and reports an existing one', async () => {
      const wanted = { head: 'nixfleet/color', base: 'main', title: 'theme(a): change color', body: 'x' };
      const { number, url } = value(await forge.createPullRequest(wanted, never));
      expect(url).toContain(String(number));
      expect(standIn.pulls.get(number)).toMatchObject({ title: wanted.title, head: wanted.head, base: 'main' });
      expect(problem(await forge.createPullRequest(wanted, never)).kind).toBe('refused');
    });
  });

  describe('faults', () => {
    it('an invalid token', async () => {
      standIn.addPull();
      const { kind, message } = problem(await connect(dialect, { token: 'wr0ng' }).pullRequest(1, never));
      expect(kind).toBe('unauthorised');
      expect(message).toContain(`Set ${prefix}_TOKEN to a valid one`);
      expect(message).not.toContain('wr0ng');
    });

    it('no token', async () => {
      const { kind, message } = problem(await connect(dialect, { token: null }).pullRequest(1, never));
      expect(kind).toBe('unauthorised');
      expect(message).toContain(`set ${prefix}_TOKEN`);
      expect(standIn.requests[0]?.headers.authorization).toBeUndefined();
    });

    it('a token without the permission', async () => {
      const pull = standIn.addPull();
      standIn.intercept = () =>
        isGitHub
          ? fault(
              403,
              { message: 'Resource not accessible by personal access token' },
              { 'x-accepted-github-permissions': 'contents=write' },
            )
          : fault(403, { message: 'token does not have at least one of required scope(s): [write:repository]' });
      const { kind, message } = problem(await forge.merge(1, pull.headSha, 'merge', never));
      expect(kind).toBe('forbidden');
      expect(message).toContain('The token may not merge pull request #1');
      expect(message).toContain(isGitHub ? 'contents=write' : 'write:repository');
      expect(message).toContain(`${prefix}_TOKEN`);
    });

    it('a missing pull request', async () => {
      const { kind, message } = problem(await forge.pullRequest(4711, never));
      expect(kind).toBe('not-found');
      expect(message).toContain(`Check ${prefix}_REPO (${STAND_IN_REPO})`);
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
      standIn.addPull();
      standIn.intercept = () => fault(status, { message }, headers);
      const first = await forge.pullRequest(1, never);
      expect(first.ok ? null : first.fault).toMatchObject({ kind: 'rate-limited', retryAfterMs: restMs });
      standIn.intercept = null;
      time += restMs - 1;
      expect(problem(await forge.pullRequest(1, never)).kind).toBe('rate-limited');
      expect(standIn.requests).toHaveLength(1);
      time += 1;
      expect(value(await forge.pullRequest(1, never)).number).toBe(1);
    });

    it.each([500, 502, 503])('a server error (%s)', async (status) => {
      standIn.intercept = () => ({ status, headers: { 'content-type': 'text/html' }, body: '<h1>Bad gateway</h1>' });
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
      standIn.intercept = () => ({ status: 200, body });
      const { kind, message } = problem(await forge.pullRequest(1, never));
      expect(kind).toBe('invalid');
      expect(message).toContain(`does not answer like ${name}`);
      expect(message).toContain(urlVariable);
    });

    it('a list without a readable item', async () => {
      standIn.intercept = () => ({ status: 200, body: '[{"number":1},{}]' });
      expect(problem(await forge.openPullRequests('main', never)).kind).toBe('invalid');
    });

    it('a link that is not http', async () => {
      standIn.addPull();
      const path = isGitHub ? '/repos' : '/api/v1/repos';
      const plain = await fetch(`${standIn.url}${path}/${STAND_IN_REPO}/pulls/1`, {
        headers: { authorization: `token ${STAND_IN_TOKEN}` },
      });
      const answer = (await plain.json()) as Record<string, unknown>;
      standIn.intercept = () => ({ status: 200, body: JSON.stringify({ ...answer, html_url: 'javascript:alert(1)' }) });
      const { kind, message } = problem(await forge.pullRequest(1, never));
      expect(kind).toBe('invalid');
      expect(message).toContain('(at html_url)');
    });

    it('an endless answer', async () => {
      standIn.intercept = (_request, response) => {
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
      standIn.intercept = () => 'handled';
      const { kind, message } = problem(await connect(dialect, { timeoutMs: 50 }).pullRequest(1, never));
      expect(kind).toBe('unreachable');
      expect(message).toContain('did not answer within 0.05 s');
    });

    it('an answer that stops in the middle', async () => {
      standIn.intercept = (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"number":', () => response.destroy());
        return 'handled';
      };
      expect(problem(await forge.pullRequest(1, never)).kind).toBe('unreachable');
    });

    it('a refused connection', async () => {
      await standIn.stop();
      const { kind, message } = problem(await forge.pullRequest(1, never));
      expect(kind).toBe('unreachable');
      expect(message).toContain('ECONNREFUSED');
      expect(message).toContain(urlVariable);
    });

    it('a stop', async () => {
      const stop = new AbortController();
      standIn.intercept = () => {
        stop.abort();
        return 'handled';
      };
      expect(problem(await forge.pullRequest(1, stop.signal)).kind).toBe('stopped');
      expect(problem(await forge.pullRequest(1, stop.signal)).kind).toBe('stopped');
      expect(standIn.requests).toHaveLength(1);
    });

    it('a request does not wait for an aborted one', async () => {
      standIn.addPull();
      const stop = new AbortController();
      standIn.intercept = () => {
        standIn.intercept = null;
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
      const pull = standIn.addPull();
      standIn.intercept = (request) =>
        request.url.includes('moved')
          ? null
          : { status: 301, headers: { location: `${request.url}?moved=1` }, body: '' };
      expect(value(await forge.pullRequest(1, never)).number).toBe(1);
      standIn.intercept = (request) =>
        request.url.includes('moved') || request.method === 'GET'
          ? null
          : { status: 307, headers: { location: `${request.url}?moved=1` }, body: '' };
      value(await forge.merge(1, pull.headSha, 'merge', never));
      expect(pull.merged).toBe(true);
    });

    it('never lead to another server with the token', async () => {
      const other = new StandIn(dialect);
      await other.start();
      try {
        standIn.intercept = (request) => ({
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
      const pull = standIn.addPull();
      standIn.intercept = (request) =>
        request.method === 'GET' ? null : { status: 302, headers: { location: '/elsewhere' }, body: '' };
      expect(problem(await forge.merge(1, pull.headSha, 'merge', never)).message).toContain(
        'a request that changes something',
      );
    });

    it('are limited in number', async () => {
      standIn.intercept = (request) => ({ status: 302, headers: { location: request.url }, body: '' });
      expect(problem(await forge.pullRequest(1, never)).message).toContain('more than 3 times');
      expect(standIn.requests).toHaveLength(4);
    });
  });

  it('sends one request at a time', async () => {
    standIn.addPull();
    let open = 0;
    let most = 0;
    standIn.intercept = (_request, response) => {
      open += 1;
      most = Math.max(most, open);
      response.on('finish', () => (open -= 1));
      return null;
    };
    await Promise.all(Array.from({ length: 8 }, () => forge.pullRequest(1, never)));
    expect(standIn.requests).toHaveLength(8);
    expect(most).toBe(1);
  });

  it('sends the token in one header only: not in an address, body or message, even when the forge repeats it', async () => {
    const pull = standIn.addPull();
    standIn.setFile('main', 'flake.lock', 'x');
    await forge.openPullRequests('main', never);
    await forge.pullRequest(1, never);
    await forge.changedFiles(1, never);
    await forge.checks(pull.headSha, never);
    await forge.file('flake.lock', 'main', never);
    await forge.createPullRequest({ head: 'h', base: 'main', title: 't', body: 'b' }, never);
    await forge.merge(1, pull.headSha, 'merge', never);
    expect(standIn.requests.length).toBeGreaterThan(6);
    for (const request of standIn.requests) {
      const { authorization, ...others } = request.headers;
      expect(authorization).toContain(STAND_IN_TOKEN);
      expect(JSON.stringify({ ...request, headers: others })).not.toContain(STAND_IN_TOKEN);
    }
    for (const status of [401, 403, 404, 409, 500]) {
      standIn.intercept = () => fault(status, { message: `bad token ${STAND_IN_TOKEN}` });
      const { message } = problem(await forge.pullRequest(1, never));
      expect(message).not.toContain(STAND_IN_TOKEN);
    }
  });
});

function done(conclusion: string) {
  return { status: 'completed', conclusion };
}

describe('states that only GitHub has', () => {
  beforeEach(async () => {
    time = NOW;
    standIn = new StandIn('github');
    await standIn.start();
  });
  afterEach(() => standIn.stop());

  it.each([
    ['clean', true, ''],
    ['unstable', true, ''],
    ['has_hooks', true, ''],
    ['blocked', true, /rules of the branch require something first/],
    ['behind', true, /behind the branch/],
    ['dirty', false, /conflicts with the branch/],
    ['draft', true, /is a draft/],
  ])('the state %s', async (mergeableState, mergeable, expected) => {
    standIn.addPull({ mergeableState, mergeable });
    const { obstacle } = value(await connect('github').pullRequest(1, never));
    if (typeof expected === 'string') expect(obstacle).toBe(expected);
    else expect(obstacle).toMatch(expected);
  });

  it('not known yet', async () => {
    standIn.addPull({ mergeable: null });
    expect(value(await connect('github').pullRequest(1, never))).toMatchObject({ mergeable: null, obstacle: '' });
  });
});
