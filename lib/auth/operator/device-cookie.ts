/**
 * The device cookie: a browser that has signed in sends it at the next sign-in, and its failures are counted
 * separately, so that guesses from elsewhere can't make its operator wait. It grants no access; a stolen one is worth a
 * few attempts (OWASP: slow down online guessing attacks with device cookies).
 */
import { parseCookie, stringifySetCookie } from 'cookie';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { WallClock } from './auth-ports';
import { cookieName } from './session-cookie';

/** A browser without a sign-in for this long is unknown again. */
const MAX_AGE_MS = 90 * 24 * 3_600_000;
const ID_BYTES = 16;
/** Longest cookie header that is parsed. */
const MAX_HEADER = 16_384;
const FORM = /^([\w-]{22})\.(\d{13})\.([\w-]{43})$/;

export interface DeviceCookie {
  /** The device id that a Cookie header proves for this user; null when it proves none. */
  deviceId(cookieHeader: string | null | undefined, userId: string): string | null;
  /** Creates a device id for this user, with the Set-Cookie header that stores it. */
  issue(userId: string): { deviceId: string; setCookie: string };
}

export function createDeviceCookie(key: Buffer, secure: boolean, now: WallClock): DeviceCookie {
  const name = cookieName('device', secure);
  // The fields are unambiguous: the first two have a fixed form, and the user comes last.
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
        // Sent only by the dashboard's sign-in form.
        sameSite: 'strict',
        secure,
        maxAge: MAX_AGE_MS / 1_000,
      });
      return { deviceId, setCookie };
    },
  };
}
