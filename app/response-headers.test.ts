import { NextRequest } from 'next/server';
import { beforeEach, expect, it } from 'vitest';
import { setRuntime, type Runtime } from '@/lib/runtime';
import { proxy } from '../proxy';

const get = (path: string) => proxy(new NextRequest(`http://localhost:8000${path}`)).headers;

function runWith(baseUrl: string | null): void {
  // The headers depend on nothing else of the running dashboard.
  setRuntime({ about: { baseUrl } } as unknown as Runtime);
}
beforeEach(() => runWith(null));

it('allow no inline script or style, no other origin and no frame', () => {
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

it('have another nonce each time, and tell it to Next', () => {
  const first = get('/').get('content-security-policy');
  const headers = get('/');
  const second = headers.get('content-security-policy');
  expect(second).not.toBe(first);
  expect(headers.get('x-middleware-request-content-security-policy')).toBe(second);
});

it('ask for https only where the public address is https', () => {
  expect(get('/').has('strict-transport-security')).toBe(false);
  runWith('https://fleet.example.org');
  expect(get('/').get('strict-transport-security')).toBe('max-age=31536000');
});

it('let nothing but the files of a build be kept', () => {
  for (const path of ['/', '/login', '/api/auth/csrf']) expect(get(path).get('cache-control')).toBe('no-store');
  expect(get('/_next/static/chunks/a.js').has('cache-control')).toBe(false);
  expect(get('/_next/static/chunks/a.js').get('x-content-type-options')).toBe('nosniff');
});
