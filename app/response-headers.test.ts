import { NextRequest } from 'next/server';
import { expect, it } from 'vitest';
import { proxy } from '../proxy';

const get = (path: string) => proxy(new NextRequest(`http://localhost:8000${path}`)).headers;

it('forbids inline scripts and styles, other origins and frames', () => {
  const policy = get('/').get('content-security-policy') ?? '';
  expect(policy).not.toContain('unsafe');
  expect(policy).not.toContain('*');
  for (const part of [
    "default-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
  ]) {
    expect(policy).toContain(part);
  }
  expect(policy).toMatch(/script-src 'self' 'nonce-[\w+/=]{24}' 'strict-dynamic';/);
  expect(policy).toMatch(/style-src 'self' 'nonce-[\w+/=]{24}';/);
});

it('uses a new nonce for each response and passes it to Next', () => {
  const first = get('/').get('content-security-policy');
  const headers = get('/');
  const second = headers.get('content-security-policy');
  expect(second).not.toBe(first);
  expect(headers.get('x-middleware-request-content-security-policy')).toBe(second);
});

it('allows caching for build files only', () => {
  for (const path of ['/', '/login', '/api/auth/csrf']) expect(get(path).get('cache-control')).toBe('no-store');
  expect(get('/_next/static/chunks/a.js').has('cache-control')).toBe(false);
});
