/** Which path accepts what, judged by first line and headers alone. */
import { readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import config from '@/next.config.mjs';
import { judgeRequest, type Verdict } from './request-judge';
import { MAX_SETUP_BODY_BYTES, MAX_SIGN_IN_BODY_BYTES, PATH_RULES, ruleFor } from './request-rules';
import { ACTION, ACTION_HEADERS, FORM_HEADERS, SETUP_ACTION, SETUP_HEADERS } from '../testing/guarded';
import { MAX_ACTION_BODY_BYTES } from '@/lib/protocol/http/action-limits';

const actions = {
  has: (id: string) => id === ACTION || id === SETUP_ACTION,
  isOn: (id: string, pattern: string) => (pattern === '/setup' ? id === SETUP_ACTION : id === ACTION),
};
const judged = (method: string, target: string, headers: Record<string, string> = {}): string => {
  const verdict: Verdict = judgeRequest({ method, target, headers }, actions);
  return verdict.kind === 'refuse' ? verdict.reason : verdict.kind;
};

/** Pages and routes as their files in `app` name them. */
function routesOfSource(): string[] {
  return readdirSync('app', { recursive: true, encoding: 'utf8' })
    .filter((file) => /(?:^|\/)(?:page\.tsx|route\.ts|icon\.svg)$/.test(file))
    .map((file) => (file.endsWith('icon.svg') ? `/${file}` : `/${dirname(file)}`))
    .map((path) => path.replace(/\/\([^)]*\)/g, '').replace(/^\/\.$/, '') || '/');
}

describe('the rules', () => {
  it('cover every page and route, and nothing else', () => {
    expect(Object.keys(PATH_RULES).sort()).toEqual([...new Set(routesOfSource())].sort());
  });

  it('give Next the same limit for action arguments', () => {
    expect(config.experimental?.serverActions?.bodySizeLimit).toBe(MAX_ACTION_BODY_BYTES);
    expect(config.experimental?.proxyClientMaxBodySize).toBe(MAX_ACTION_BODY_BYTES);
  });

  it('match a path literally, with one segment for a parameter', () => {
    expect(ruleFor('/activity/pipelines/abc?x=/y', 'GET').pattern).toBe('/activity/pipelines/[id]');
    expect(ruleFor('/api/output/abc', 'GET').pattern).toBe('/api/output/[commandId]');
    for (const path of ['/activity/pipelines/a/b', '/activity/', '/%61ctivity', '//', '/Login', 'http://h/settings']) {
      expect(ruleFor(path, 'POST').pattern, path).toBeNull();
    }
  });
});

describe('a request', () => {
  it.each(['/', '/login', '/no/such/page', '/_next/static/chunks/a.js', '/icon.svg', '/api/auth/csrf'])(
    'that reads %s passes without a body and is refused with one',
    (path) => {
      for (const method of ['GET', 'HEAD']) {
        expect(judged(method, path)).toBe('pass');
        expect(judged(method, path, { 'content-length': '0' })).toBe('pass');
        expect(judged(method, path, { 'content-length': '1' })).toBe('unexpected-body');
        expect(judged(method, path, { 'transfer-encoding': 'chunked' })).toBe('unexpected-body');
      }
    },
  );

  it.each(['OPTIONS', 'TRACE', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])('with %s is refused everywhere', (method) => {
    for (const path of ['/', '/login', '/setup', '/api/auth/csrf', '/no/such/page', '/api/output/x']) {
      expect(judged(method, path), path).toBe('wrong-method');
    }
  });

  it('that is refused for its method lists the allowed methods', () => {
    const allow = (target: string) => judgeRequest({ method: 'TRACE', target, headers: {} }, actions);
    expect(allow('/')).toMatchObject({ allow: 'GET, HEAD, POST' });
    expect(allow('/login')).toMatchObject({ allow: 'GET, HEAD' });
    expect(judgeRequest({ method: 'POST', target: '/login', headers: {} }, actions)).toMatchObject({
      allow: 'GET, HEAD',
    });
  });

  it.each(['/no/such/page', '/_next/static/a', '/favicon.ico', '/api/auth/session', '/api/auth/_log', '/_not-found'])(
    'that posts to %s is refused',
    (path) => {
      expect(judged('POST', path, { ...ACTION_HEADERS, 'content-length': '2' })).toBe('unknown-path');
    },
  );

  it.each(['/login', '/activity/export', '/api/output/x', '/icon.svg'])('that posts to %s is refused', (path) => {
    expect(judged('POST', path, { ...ACTION_HEADERS, 'content-length': '2' })).toBe('wrong-method');
  });
});

describe('an action', () => {
  it('is accepted as text, with an action id of the build, up to its size limit', () => {
    const sized = (bytes: number) => judged('POST', '/', { ...ACTION_HEADERS, 'content-length': String(bytes) });
    expect(sized(MAX_ACTION_BODY_BYTES)).toBe('read');
    expect(sized(MAX_ACTION_BODY_BYTES + 1)).toBe('too-large');
    expect(judged('POST', '/', { ...ACTION_HEADERS, 'transfer-encoding': 'chunked' })).toBe('read');
  });

  it.each([
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'application/json',
    'text/html',
    '',
  ])('is refused with the content type "%s"', (type) => {
    expect(judged('POST', '/', { ...ACTION_HEADERS, 'content-type': type })).toBe('wrong-type');
  });

  it('is refused when it is compressed', () => {
    expect(judged('POST', '/', { ...ACTION_HEADERS, 'content-encoding': 'gzip' })).toBe('wrong-type');
  });

  it.each([ACTION.toUpperCase(), ACTION.slice(1), `${ACTION}a`, `7f${'c'.repeat(40)}`, '', `${ACTION}, ${ACTION}`])(
    'is refused with the id "%s"',
    (id) => {
      expect(judged('POST', '/', { ...ACTION_HEADERS, 'next-action': id })).toBe('unknown-action');
    },
  );

  it('is refused at set-up when it belongs to another page', () => {
    expect(judged('POST', '/setup', SETUP_HEADERS)).toBe('read');
    expect(judged('POST', '/setup', { ...SETUP_HEADERS, 'next-action': ACTION })).toBe('unknown-action');
    expect(judged('POST', '/setup', { ...SETUP_HEADERS, 'content-length': String(MAX_SETUP_BODY_BYTES) })).toBe('read');
    expect(judged('POST', '/setup', { ...SETUP_HEADERS, 'content-length': String(MAX_SETUP_BODY_BYTES + 1) })).toBe(
      'too-large',
    );
  });

  it('is recognised only by the form of its id in development', () => {
    const headers = { ...ACTION_HEADERS, 'next-action': `7f${'c'.repeat(40)}` };
    expect(judgeRequest({ method: 'POST', target: '/', headers }, null).kind).toBe('read');
    expect(judgeRequest({ method: 'POST', target: '/', headers: { ...headers, 'next-action': 'x' } }, null).kind).toBe(
      'refuse',
    );
  });
});

describe('a sign-in', () => {
  it.each(['/api/auth/callback/credentials', '/api/auth/signout'])('at %s is a small form', (path) => {
    expect(judged('POST', path, FORM_HEADERS)).toBe('read');
    expect(judged('POST', path, { ...FORM_HEADERS, 'content-length': String(MAX_SIGN_IN_BODY_BYTES) })).toBe('read');
    expect(judged('POST', path, { ...FORM_HEADERS, 'content-length': String(MAX_SIGN_IN_BODY_BYTES + 1) })).toBe(
      'too-large',
    );
    expect(judged('POST', path, { 'content-type': 'application/json' })).toBe('wrong-type');
    expect(judged('POST', path, { ...FORM_HEADERS, 'next-action': ACTION })).toBe('unknown-action');
  });
});
