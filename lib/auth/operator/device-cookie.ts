/**
 * The device cookie: a browser that signed in before shows it at the next sign-in, and its failures are counted apart
 * from everybody else's. Whoever tries passwords from elsewhere can't make its operator wait. It opens nothing, and
 * whoever steals it gains a few tries (OWASP: slow down online guessing attacks with device cookies).
 */
import { parseCookie, stringifySetCookie } from 'cookie';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from './auth-ports';
import { cookieName } from './session-cookie';

/** A browser that did not sign in for so long is a stranger again. */
const MAX_AGE_MS = 90 * 24 * 3_600_000;
const ID_BYTES = 16;
/** Longest cookie header that is looked at. */
const MAX_HEADER = 16_384;
const FORM = /^([\w-]{22})\.(\d{13})\.([\w-]{43})$/;

export interface DeviceCookie {
  /** The device that a Cookie header proves to have signed in as this user; null when it proves none. */
  deviceId(cookieHeader: string | null | undefined, userId: string): string | null;
  /** A new device for this user, and the Set-Cookie header that makes the browser keep it. */
  issue(userId: string): { deviceId: string; setCookie: string };
}

export function createDeviceCookie(key: Buffer, secure: boolean, now: Clock): DeviceCookie {
  const name = cookieName('device', secure);
  // The fields can't run into one another: the form of the first two is checked, and the user comes last.
  const mac = (deviceId: string, issuedAt: string, userId: string) =>
    createHmac('sha256', key).update(`${deviceId}.${issuedAt}.${userId}`).digest();

  return {
    deviceId(cookieHeader, userId) {
      if (!cookieHeader || cookieHeader.length > MAX_HEADER) return null;
      const [, deviceId, issuedAt, given] = FORM.exec(parseCookie(cookieHeader)[name] ?? '') ?? [];
      if (deviceId === undefined || issuedAt === undefined || given === undefined) return null;
      if (!timingSafeEqual(mac(deviceId, issuedAt, userId), Buffer.from(given, 'base64url'))) return null;
      const age = now() - Number(issuedAt);
      return age >= 0 && age < MAX_AGE_MS ? deviceId : null;
    },
    issue(userId) {
      const deviceId = randomBytes(ID_BYTES).toString('base64url');
      const issuedAt = String(now());
      const value = `${deviceId}.${issuedAt}.${mac(deviceId, issuedAt, userId).toString('base64url')}`;
      const setCookie = stringifySetCookie({
        name,
        value,
        path: '/',
        httpOnly: true,
        // Only the sign-in form of the dashboard itself sends it.
        sameSite: 'strict',
        secure,
        maxAge: MAX_AGE_MS / 1_000,
      });
      return { deviceId, setCookie };
    },
  };
}
