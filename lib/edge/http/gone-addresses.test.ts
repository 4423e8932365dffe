/** Addresses of earlier dashboards: each is answered with what to use instead, and no address of this dashboard is. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AUTH_ENDPOINTS } from '@/lib/protocol/http/auth-endpoints';
import { ENROL_PATH } from '@/lib/protocol/http/enrolment';
import { sectionsOf } from '@/lib/text/testing/markdown';
import { createTestServer, TOKEN, type TestServer } from '../testing/test-server';
import { GONE_ADDRESSES, goneAddress, goneDocument, goneSentence } from './gone-addresses';
import { PATH_RULES } from './request-rules';
import { securityHeaders } from './response-headers';
import { AGENT_PATH, BROWSER_PATH } from './upgrade';

/** The HTTP interface of version 3, without what stays: GET /health, GET /login and agents on /ws. */
const VERSION_3 = `
POST /login
POST /logout
GET /static/nixfleet_favicon.png
GET /ws
GET /api/hosts
POST /api/hosts
DELETE /api/hosts/web1
POST /api/hosts/web1/command
POST /api/hosts/web1/refresh
POST /api/hosts/web1/refresh-git
POST /api/hosts/web1/theme-color
POST /api/hosts/web1/reboot
GET /api/hosts/web1/logs
GET /api/hosts/web1/output?lines=500
POST /api/hosts/web1/kill
POST /api/hosts/web1/timeout-action
GET /api/command-states
GET /api/system-log?limit=100
GET /api/events?limit=100
GET /api/hosts/web1/events?limit=50
POST /api/dispatch
POST /api/dispatch/pipeline
GET /api/ops
GET /api/pipelines
GET /api/flake-updates/status
POST /api/flake-updates/check
POST /api/flake-updates/merge-pr
POST /api/flake-updates/merge-and-deploy`
  .trim()
  .split('\n')
  .map((line) => line.split(' ') as [method: string, target: string]);

/** What people and scripts used of version 1 besides the same addresses. */
const VERSION_1: readonly [method: string, target: string][] = [
  ['PATCH', '/api/hosts/web1'],
  ['POST', '/api/hosts/web1/agent-token'],
  ['GET', '/api/hosts/web1/logs/download?format=json'],
  ['GET', '/api/metrics'],
  ['POST', '/api/nixcfg/refresh'],
];

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
  const asked = httpRequest({ host: '127.0.0.1', port: server.port, method, path, headers });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, headers: response.headers, text };
}

function errorOf(text: string): string {
  const { error } = JSON.parse(text) as { error: string };
  return error;
}

describe('an address of an earlier dashboard', () => {
  it.each([...VERSION_3, ...VERSION_1])(
    'answers with one sentence about what to use instead: %s %s',
    async (method, path) => {
      for (const headers of [{} as Record<string, string>, { cookie: 'session=session-1' }]) {
        const answer = await ask(method, path, headers);
        expect(answer.status).toBe(410);
        expect(answer.headers).toMatchObject({ ...securityHeaders(false), 'content-type': 'application/json' });
        const error = errorOf(answer.text);
        expect(error).toMatch(/^[A-Z]+ \S+ of an earlier NixFleet is gone: .{20,} \(docs\/\S+\)\.$/);
        const row = goneAddress(method, path);
        expect(row && goneSentence(row)).toBe(error);
        // One sentence.
        expect(error.slice(0, -1)).not.toMatch(/[.!?] [A-Z]/);
      }
    },
  );

  it('answers HEAD without a body, and another method with the first row of the path', async () => {
    expect(await ask('HEAD', '/api/events')).toMatchObject({ status: 410, text: '' });
    expect(errorOf((await ask('GET', '/api/dispatch')).text)).toMatch(/^POST \/api\/dispatch /);
    expect(errorOf((await ask('GET', '/api/hosts/web1/')).text)).toMatch(/^DELETE \/api\/hosts\/HOST /);
  });

  it('does not parse a body, and closes the connection instead of reading on', async () => {
    const body = `{"op":${'['.repeat(100_000)}`;
    const answer = await ask('POST', '/api/dispatch', { 'content-type': 'application/json' }, body);
    expect(answer).toMatchObject({ status: 410, headers: { connection: 'close' } });
  });

  it('repeats nothing of the request, and logs the pattern and where it came from', async () => {
    const { text } = await ask('GET', '/api/hosts/%3Cscript%3E/events?x=secret');
    expect(text).not.toMatch(/script|secret/);
    const logged = server.logged.join('');
    expect(logged).toContain('/api/hosts/[id]/events');
    expect(logged).toContain('127.0.0.1');
    expect(logged).not.toMatch(/script|secret/);
    expect(server.counts.refusedByReason().get('gone')).toBe(1);
  });
});

describe('an upgrade on /ws', () => {
  const refused = async (headers: Record<string, string>, origin?: string) => {
    const socket = server.dial('/ws', { headers, ...(origin === undefined ? {} : { origin }) });
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode, headers: response.headers, text };
  };

  it('from a page of an earlier dashboard is answered with 410', async () => {
    for (const answer of [
      await refused({ cookie: 'nixfleet_session=abc' }),
      await refused({ cookie: 'nixfleet_session=abc' }, `http://127.0.0.1:${server.port}`),
      await refused({}, 'http://elsewhere.example'),
    ]) {
      expect(answer.status).toBe(410);
      expect(answer.headers).toMatchObject({ ...securityHeaders(false), 'content-type': 'application/json' });
      expect(errorOf(answer.text)).toContain('pages use /live');
    }
  });

  it('from a page of an earlier dashboard is logged and counted', async () => {
    await refused({ cookie: 'nixfleet_session=secret' }, 'http://elsewhere.example');
    expect(server.counts.refusedByReason().get('gone')).toBe(1);
    const logged = server.logged.filter((line) => line.includes('address of an earlier version'));
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain('"address":"127.0.0.1","path":"/ws"');
    expect(logged.join('')).not.toMatch(/secret|elsewhere/);
  });

  it('from an agent is decided by its token', async () => {
    expect((await refused({})).status).toBe(401);
    expect((await refused({ authorization: 'Bearer wrong', cookie: 'a=b' })).status).toBe(401);
    const agent = await server.agent();
    await agent.close();
  });

  it('from a page that also sends a token is refused for its origin', async () => {
    expect((await refused({ authorization: `Bearer ${TOKEN}` }, 'http://evil.example')).status).toBe(403);
  });
});

describe('the table', () => {
  it('has every address of version 3 and version 1, and no other', () => {
    const rows = [...VERSION_3, ...VERSION_1].map(([method, target]) => goneAddress(method, target));
    expect(new Set(rows)).toEqual(new Set(GONE_ADDRESSES));
  });

  it('hides no page, route or endpoint of this dashboard', () => {
    const parameter = (pattern: string) => pattern.replace(/\[[^\]]+\]/g, 'anything');
    const used = Object.entries(PATH_RULES).flatMap(([pattern, { post, endpoints }]) => {
      if (endpoints) return [];
      const path = parameter(pattern);
      return ['GET', 'HEAD', ...(post === null ? [] : ['POST'])].map((method) => [method, path] as const);
    });
    const authBase = '/api/auth/';
    const endpoints = [
      ...used,
      ...AUTH_ENDPOINTS.GET.map((name) => ['GET', authBase + name] as const),
      ...AUTH_ENDPOINTS.POST.map((name) => ['POST', authBase + name] as const),
      ...['/health', '/health/ready', '/health/agents', '/metrics', BROWSER_PATH].map((path) => ['GET', path] as const),
      ...['register', 'status', 'test-progress'].map((name) => ['POST', `/api/hosts/web1/${name}`] as const),
      ['GET', '/api/hosts/web1/poll'] as const,
      ['POST', ENROL_PATH] as const,
    ];
    expect(endpoints.length).toBeGreaterThan(35);
    for (const [method, path] of endpoints) expect(goneAddress(method, path), `${method} ${path}`).toBeNull();
  });

  it('leaves agents behind a proxy that drops upgrades, and actions of open pages, alone', async () => {
    expect((await ask('GET', AGENT_PATH, { authorization: `Bearer ${TOKEN}` })).status).not.toBe(410);
    expect((await ask('POST', '/login', { 'next-action': 'a'.repeat(42) })).status).not.toBe(410);
  });

  it.each([
    ['version 3', VERSION_3, 'docs/operations.md#moving-from-version-3'],
    ['version 1', VERSION_1, 'docs/operations.md#moving-from-version-1'],
  ])('of %s is complete below the heading that its sentences name', (_version, requests, place) => {
    const [file = '', anchor = ''] = place.split('#');
    const section = sectionsOf(readFileSync(file, 'utf8')).get(anchor);
    for (const [method, target] of requests) {
      const address = goneAddress(method, target);
      expect(address, target).not.toBeNull();
      if (address === null) continue;
      expect(goneDocument(address), target).toBe(place);
      const name = address.pattern.replace('[id]', 'HOST').replace('[...]', '…');
      const row = new RegExp(`${method}[^|\n]*\`${name.replace(/[.*+?^$()|[\]\\]/g, '\\$&')}\``);
      expect(section, name).toMatch(row);
    }
  });
});
