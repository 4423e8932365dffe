import { afterEach, describe, expect, it } from 'vitest';
import { createAuthStore } from '@/lib/store/sqlite/auth-store';
import { decodeBase32 } from './base32';
import { createDeviceCookie } from './device-cookie';
import { deriveKey } from '../encryption';
import { codeAt, makeAuth, PASSWORD, PASSWORD_HASH, SECRETS, type TestAuth } from '../testing/auth';

const DAY_MS = 24 * 3_600_000;
const STEP_MS = 30_000;
const SECRET = decodeBase32('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP')!;
const KEY = deriveKey(SECRETS.encryptionKey, 'device-cookie');

const cookieOf = (setCookie: string) => setCookie.split(';', 1)[0] ?? '';

let open: TestAuth[] = [];
afterEach(() => {
  for (const one of open) one.close();
  open = [];
});

async function installation(): Promise<TestAuth> {
  const made = await makeAuth({ passwordHash: PASSWORD_HASH, totpSecret: SECRET });
  open.push(made);
  return made;
}

describe('the device cookie', () => {
  const clock = { now: Date.now() };
  const devices = createDeviceCookie(KEY, false, () => clock.now);

  it('is limited to the sign-in form, and has a prefix behind https', () => {
    expect(devices.issue('operator').setCookie).toMatch(
      /^nixfleet\.device=[^;]+; Max-Age=7776000; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    expect(createDeviceCookie(KEY, true, () => clock.now).issue('operator').setCookie).toMatch(
      /^__Host-nixfleet\.device=[^;]+; Max-Age=7776000; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
  });

  it('identifies its device for its user for 90 days, and is new at each sign-in', () => {
    const { deviceId, setCookie } = devices.issue('operator');
    const cookie = cookieOf(setCookie);
    expect(devices.deviceId(`a=b; ${cookie}`, 'operator')).toBe(deviceId);
    expect(devices.deviceId(cookie, 'somebody-else')).toBeNull();
    expect(devices.issue('operator').deviceId).not.toBe(deviceId);
    clock.now += 90 * DAY_MS - 1;
    expect(devices.deviceId(cookie, 'operator')).toBe(deviceId);
    clock.now += 1;
    expect(devices.deviceId(cookie, 'operator')).toBeNull();
    clock.now -= 91 * DAY_MS;
    expect(devices.deviceId(cookie, 'operator')).toBeNull();
    clock.now += DAY_MS;
  });

  it('is ignored when it is forged, changed, truncated or of another installation', () => {
    const cookie = cookieOf(devices.issue('operator').setCookie);
    const [name = '', value = ''] = cookie.split('=');
    const [id = '', at = '', mac = ''] = value.split('.');
    const other = createDeviceCookie(deriveKey('another key', 'device-cookie'), false, () => clock.now);
    for (const header of [
      `${name}=${id}.${Number(at) + 1}.${mac}`,
      `${name}=${id.slice(0, -1)}A.${at}.${mac.slice(0, -2)}AA`,
      `${name}=${id}.${at}.${mac.slice(0, -1)}`,
      `${name}=${id}.${at}.`,
      `${name}=..`,
      `__Host-${cookie}`,
      cookieOf(other.issue('operator').setCookie),
      `${cookie}; x=${'y'.repeat(20_000)}`,
      '',
      null,
    ]) {
      expect(devices.deviceId(header, 'operator')).toBeNull();
    }
  });
});

describe('a browser that signed in before', () => {
  it('can sign in while unknown clients guess passwords and codes; those clients stay throttled', async () => {
    const { auth, clock, database, restart } = await installation();
    const signIn = async (cookies: string | null, more: { password?: string; code?: string; address?: string } = {}) =>
      auth.signIn({
        password: PASSWORD,
        code: await codeAt(SECRET, clock.now),
        address: '203.0.113.9',
        userAgent: '',
        cookies,
        ...more,
      });
    const first = await signIn(null);
    if (first.kind !== 'signed-in') throw new Error(first.kind);
    const cookie = cookieOf(first.deviceCookie);
    expect(first.session.deviceId).not.toBe('');
    clock.now += STEP_MS;

    // A thousand seconds of 10 guesses a second, half of them with the right password, all from the operator's network.
    let owner = cookie;
    let entries = 0;
    for (let guess = 0; guess < 10_000; guess += 1) {
      const password = guess % 2 === 0 ? PASSWORD : 'wrong';
      const result = await signIn(null, { password, code: String(guess).padStart(6, '0') });
      expect(result.kind).not.toBe('signed-in');
      clock.now += 100;
      if (guess % 1_000 === 999) {
        const result = await (guess % 2_000 === 999 ? auth : await restart()).signIn({
          ...{ password: PASSWORD, code: await codeAt(SECRET, clock.now), address: '203.0.113.9', userAgent: '' },
          cookies: owner,
        });
        if (result.kind !== 'signed-in') throw new Error(`the owner is ${result.kind}`);
        owner = cookieOf(result.deviceCookie);
        entries += 1;
        expect((await signIn(null, { password: 'wrong' })).kind).toBe('throttled');
      }
    }
    expect(entries).toBe(10);
    const failures = (bucket: string) => createAuthStore(database.db).throttles([bucket])[0]?.failures ?? 0;
    expect(failures('password:account:operator') + failures('totp:account:operator')).toBeLessThan(32);
  });

  it('has its own limit', async () => {
    const { auth, clock } = await installation();
    const attempt = { password: PASSWORD, address: '203.0.113.9', userAgent: '' };
    const first = await auth.signIn({ ...attempt, code: await codeAt(SECRET, clock.now), cookies: null });
    if (first.kind !== 'signed-in') throw new Error(first.kind);
    const cookies = cookieOf(first.deviceCookie);
    const guess = (address: string) => auth.signIn({ ...attempt, password: 'wrong', code: '', address, cookies });
    for (let free = 0; free < 5; free += 1) expect((await guess(`198.51.100.${free}`)).kind).toBe('refused');
    expect((await guess('198.51.100.99')).kind).toBe('throttled');
    // Strangers are not made to wait for it.
    expect((await auth.signIn({ ...attempt, password: 'wrong', code: '', cookies: null })).kind).toBe('refused');
  });

  it('is not a session', async () => {
    const { auth, clock } = await installation();
    const attempt = { password: PASSWORD, address: '203.0.113.9', userAgent: '', cookies: null };
    const first = await auth.signIn({ ...attempt, code: await codeAt(SECRET, clock.now) });
    if (first.kind !== 'signed-in') throw new Error(first.kind);
    const value = cookieOf(first.deviceCookie).split('=')[1] ?? '';
    expect(await auth.resolveSession(cookieOf(first.deviceCookie))).toBeNull();
    // It names the browser, and is worth no more.
    expect(auth.knownBrowser(cookieOf(first.deviceCookie))).toBe(first.session.deviceId);
    expect(auth.knownBrowser(`${cookieOf(first.deviceCookie)}x`)).toBeNull();
    expect(auth.knownBrowser(null)).toBeNull();
    expect(await auth.resolveSession(`nixfleet.session=${value}`)).toBeNull();
  });
});
