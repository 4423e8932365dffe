/** The session cookie: an encrypted token of next-auth that holds the session id and nothing else. */
import { parseCookie } from 'cookie';
import { decode } from 'next-auth/jwt';
import { deriveKey } from './encryption';

/** Longest cookie header that is looked at. */
const MAX_HEADER = 16_384;

export interface SessionCookie {
  /** With the `__Host-` prefix behind https: no other host and no plain connection can set it (RFC 6265bis, 4.1.3.2). */
  readonly name: string;
  readonly secure: boolean;
  /** next-auth's own secret. */
  readonly secret: string;
  /** The session id of a Cookie header; null when there is none, or it was not made with our secret. Never rejects. */
  sessionId(cookieHeader: string | null | undefined): Promise<string | null>;
}

/** A cookie's name as the dashboard's public address asks for it. */
export const cookieName = (name: string, secure: boolean): string => `${secure ? '__Host-' : ''}nixfleet.${name}`;

export function createSessionCookie(sessionSecret: string, baseUrl: string | null): SessionCookie {
  const secure = baseUrl?.startsWith('https://') ?? false;
  const name = cookieName('session', secure);
  const secret = deriveKey(sessionSecret, 'session-cookie').toString('base64url');
  return {
    name,
    secure,
    secret,
    async sessionId(cookieHeader) {
      if (!cookieHeader || cookieHeader.length > MAX_HEADER) return null;
      const token = parseCookie(cookieHeader)[name];
      if (!token) return null;
      try {
        const content = await decode({ token, secret });
        return typeof content?.sid === 'string' ? content.sid : null;
      } catch {
        // Forged, expired, or made with another secret.
        return null;
      }
    },
  };
}
