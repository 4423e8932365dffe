import { afterEach, describe, expect, it } from 'vitest';
import { createFeedSource, MAX_FEED_BYTES, parseVersionFile } from './feed';
import type { FetchOutcome } from './source';
import { serve, type Handler, type HttpTestServer } from './testing/repository';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const LOCK = 'a'.repeat(64);
const FILE = {
  gitCommit: COMMIT,
  message: 'Update inputs\n\nLong text',
  branch: 'main',
  timestamp: '2026-01-31T13:00:00+01:00',
  repo: 'ada/fleet',
  lockHash: LOCK,
};
const never = new AbortController().signal;

const servers: HttpTestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
async function listen(handler: Handler): Promise<string> {
  const server = await serve(handler);
  servers.push(server);
  return server.url;
}
function answerOf(outcome: FetchOutcome) {
  if (outcome.kind === 'failed') throw new Error(outcome.message);
  return outcome.answer;
}
function messageOf(outcome: FetchOutcome) {
  if (outcome.kind === 'ok') throw new Error('a good answer');
  return outcome.message;
}

describe('version.json', () => {
  it('reads every field', () => {
    expect(answerOf(parseVersionFile(JSON.stringify(FILE), 'x'))).toEqual({
      branch: 'main',
      commit: COMMIT,
      message: 'Update inputs',
      committedAt: Date.parse('2026-01-31T12:00:00Z'),
      lockHash: LOCK,
      commitUrl: `https://github.com/ada/fleet/commit/${COMMIT}`,
      hint: null,
    });
  });

  it('needs only the commit, and hints at what is missing', () => {
    const answer = answerOf(parseVersionFile('{"gitCommit":"0123456789ABCDEF","message":null}', 'x'));
    expect(answer).toMatchObject({ commit: '0123456789abcdef', lockHash: '', committedAt: null, commitUrl: null });
    expect(answer.hint).toContain('no lockHash');
  });

  it('ignores a wrong lockHash and a wrong time, with a hint', () => {
    const answer = answerOf(
      parseVersionFile(JSON.stringify({ ...FILE, lockHash: 'sha256-x=', timestamp: 'today' }), 'x'),
    );
    expect(answer).toMatchObject({ lockHash: '', committedAt: null });
    expect(answer.hint).toMatch(/SHA-256 in hex.*RFC 3339/s);
  });

  it.each([
    ['<html>', 'is not JSON'],
    ['[]', 'wrong type'],
    ['{}', 'no gitCommit'],
    ['{"gitCommit":"main"}', 'not a commit id'],
    [JSON.stringify({ ...FILE, branch: 7 }), 'wrong type (branch)'],
  ])('refuses %s', (body, problem) => {
    expect(messageOf(parseVersionFile(body, 'x'))).toContain(problem);
  });
});

describe('the feed', () => {
  it('sends the validators of the last answer and keeps that answer when nothing changed', async () => {
    const seen: (string | undefined)[] = [];
    const url = await listen((request, response) => {
      seen.push(request.headers['if-none-match']);
      expect(request.headers['if-modified-since']).toBe(seen.length > 1 ? 'Sat, 31 Jan 2026 12:00:00 GMT' : undefined);
      if (seen.length > 1) response.writeHead(304).end();
      else {
        const headers = { etag: '"one"', 'last-modified': 'Sat, 31 Jan 2026 12:00:00 GMT' };
        response.writeHead(200, headers).end(JSON.stringify(FILE));
      }
    });
    const feed = createFeedSource(url);
    const first = answerOf(await feed.fetch(never));
    const second = answerOf(await feed.fetch(never));
    expect(seen).toEqual([undefined, '"one"']);
    expect(second).toEqual(first);
  });

  it('sends no validators after a bad answer', async () => {
    const seen: (string | undefined)[] = [];
    const url = await listen((request, response) => {
      seen.push(request.headers['if-none-match']);
      response.writeHead(200, { etag: `"${seen.length}"` }).end(seen.length === 2 ? 'oops' : JSON.stringify(FILE));
    });
    const feed = createFeedSource(url);
    await feed.fetch(never);
    expect(messageOf(await feed.fetch(never))).toContain('not JSON');
    answerOf(await feed.fetch(never));
    expect(seen).toEqual([undefined, '"1"', undefined]);
  });

  it('reports the status without the credentials and the query of the address', async () => {
    const url = await listen((_request, response) => response.writeHead(404).end('no'));
    const address = `${url.replace('http://', 'http://ada:hunter22@')}/version.json?token=t0ken`;
    const message = messageOf(await createFeedSource(address).fetch(never));
    expect(message).toContain('HTTP status 404');
    expect(message).toContain(`${url}/version.json`);
    expect(message).not.toMatch(/hunter22|t0ken/);
  });

  it('sends credentials as a header, and never to another origin', async () => {
    const other: (string | undefined)[] = [];
    const otherUrl = await listen((request, response) => {
      other.push(request.headers.authorization);
      response.end(JSON.stringify(FILE));
    });
    const own: (string | undefined)[] = [];
    const url = await listen((request, response) => {
      own.push(request.headers.authorization);
      response.writeHead(302, { location: request.url === '/v' ? '/w' : `${otherUrl}/v` }).end();
    });
    answerOf(await createFeedSource(`${url.replace('//', '//ada:hunter22@')}/v`).fetch(never));
    const header = `Basic ${Buffer.from('ada:hunter22').toString('base64')}`;
    expect(own).toEqual([header, header]);
    expect(other).toEqual([undefined]);
  });

  it('follows no redirect to another scheme, and only a few redirects', async () => {
    const url = await listen((request, response) => {
      const location = request.url === '/loop' ? '/loop' : 'https://127.0.0.1:1/version.json';
      response.writeHead(301, { location }).end();
    });
    expect(messageOf(await createFeedSource(`${url}/x`).fetch(never))).toContain('redirects from http to https');
    expect(messageOf(await createFeedSource(`${url}/loop`).fetch(never))).toContain('redirects more than 5 times');
  });

  it('refuses an endless answer', async () => {
    const url = await listen((_request, response) => {
      const chunk = 'x'.repeat(MAX_FEED_BYTES);
      response.write(chunk);
      response.end(chunk);
    });
    expect(messageOf(await createFeedSource(url).fetch(never))).toContain('larger than 256 KiB');
  });

  it('reports a refused connection', async () => {
    const server = await serve(() => undefined);
    await server.close();
    expect(messageOf(await createFeedSource(server.url).fetch(never))).toContain('ECONNREFUSED');
  });

  it('ends when it is stopped', async () => {
    const stop = new AbortController();
    const url = await listen(() => stop.abort());
    expect((await createFeedSource(url).fetch(stop.signal)).kind).toBe('failed');
  });
});
