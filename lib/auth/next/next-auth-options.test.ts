import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLog } from '@/lib/log';
import { nextAuthOptions, requestOrigin } from './next-auth-options';
import { makeAuth, PASSWORD, PASSWORD_HASH, type TestAuth } from '../testing/auth';
import { sessionIdHash } from '../operator/sessions';

let made: TestAuth;
let deviceCookies: string[] = [];
beforeEach(async () => {
  deviceCookies = [];
  made = await makeAuth({ passwordHash: PASSWORD_HASH });
});
afterEach(() => made.close());

const ORIGIN = 'http://192.168.1.5:8000';
const options = (auth = made.auth) =>
  nextAuthOptions({
    auth,
    log: createLog('error', { write: () => undefined }),
    origin: ORIGIN,
    address: '203.0.113.9',
    cookies: null,
    onDeviceCookie: (setCookie) => deviceCookies.push(setCookie),
  });

/** Signs in as next-auth's endpoint does: gives the session id, or throws the code that reaches the browser. */
async function authorize(credentials: Record<string, string>, auth = made.auth): Promise<string> {
  const [provider] = options(auth).providers;
  if (provider?.type !== 'credentials') throw new Error('no credentials provider');
  const configured = (provider as unknown as { options: { authorize: typeof provider.authorize } }).options;
  const user = await configured.authorize(credentials, { headers: { 'user-agent': 'a browser' } });
  return user?.id ?? '';
}

it('gives the session id for the right password, and codes for everything else', async () => {
  const sessionId = await authorize({ password: PASSWORD });
  expect(await made.auth.stillValid(sessionIdHash(sessionId))).not.toBeNull();
  expect(deviceCookies).toHaveLength(1);
  await expect(authorize({ password: 'wrong' })).rejects.toThrow(/^refused$/);
  await expect(authorize({})).rejects.toThrow(/^refused$/);
  await expect(authorize({ password: 'x'.repeat(5_000) })).rejects.toThrow(/^refused$/);
  for (let more = 0; more < 4; more += 1) await authorize({ password: 'wrong' }).catch(() => undefined);
  await expect(authorize({ password: PASSWORD })).rejects.toThrow(/^throttled-1$/);
  expect(deviceCookies).toHaveLength(1);
});

it('reveals nothing of an unexpected failure to the browser', async () => {
  const broken = { ...made.auth, signIn: () => Promise.reject(new Error('the disk at /secret/path is full')) };
  await expect(authorize({ password: PASSWORD }, broken)).rejects.toThrow(/^failed$/);
});

it('puts only the session id into the token', async () => {
  const jwt = options().callbacks?.jwt;
  const about = { account: null } as const;
  const token = { name: 'x', email: 'y', sub: 'z' };
  expect(await jwt?.({ ...about, token, user: { id: 'the session id' } })).toEqual({ sid: 'the session id' });
  expect(await jwt?.({ ...about, token: { sid: 'first' }, user: { id: 'second' } })).toEqual({ sid: 'first' });
});

it('ends the session when the browser signs out', async () => {
  const sessionId = await authorize({ password: PASSWORD });
  const session = { expires: '' };
  await options().events?.signOut?.({ token: { sid: sessionId }, session });
  expect(await made.auth.stillValid(sessionIdHash(sessionId))).toBeNull();
  await options().events?.signOut?.({ token: {}, session });
});

it.each([
  ['/hosts/a?b=c', `${ORIGIN}/hosts/a?b=c`],
  [`${ORIGIN}/x`, `${ORIGIN}/x`],
  ['https://evil.example/', ORIGIN],
  ['//evil.example/', ORIGIN],
  ['javascript:alert(1)', ORIGIN],
  ['http://', ORIGIN],
])('leads from %s to %s', async (url, target) => {
  expect(await options().callbacks?.redirect?.({ url, baseUrl: 'http://localhost:3000' })).toBe(target);
});

it('determines the address that the browser uses', () => {
  const headers = new Headers({ host: 'nas.lan:8000', 'x-forwarded-proto': 'https' });
  expect(requestOrigin(headers, null)).toBe('https://nas.lan:8000');
  expect(requestOrigin(headers, 'https://fleet.example.org')).toBe('https://fleet.example.org');
  expect(requestOrigin(new Headers({ host: '[::1]:8000' }), null)).toBe('http://[::1]:8000');
  expect(requestOrigin(new Headers({ host: 'a b' }), null)).toBe('http://localhost');
});
