/** The session cookie: an encrypted next-auth token that holds only the session id. */
import { parseCookie } from 'cookie';
import { decode, type JWT, type JWTDecodeParams } from 'next-auth/jwt';
import { deriveKey } from '../encryption';

/** Longest cookie header that is parsed. */
const MAX_HEADER = 16_384;

/**
 * The header that next-auth issues: a shared key, no compression. Its decoder follows any header, and one that names
 * password derivation (PBES2) would cost milliseconds per forged cookie (RFC 7518, 4.8).
 */
const HEADER = Buffer.from('{"alg":"dir","enc":"A256GCM"}').toString('base64url');
/** Header, no key, nonce, text, tag (RFC 7516, 3.1). */
const FORM = new RegExp(`^${HEADER}\\.\\.[\\w-]{16}\\.[\\w-]{1,1024}\\.[\\w-]{22}$`);

/** Decrypts a token of the issued form; null for any other, without work. Rejects when it is forged or expired. */
export function decodeSessionToken(params: JWTDecodeParams): Promise<JWT | null> {
  return params.token !== undefined && FORM.test(params.token) ? decode(params) : Promise.resolve(null);
}

export interface SessionCookie {
  /** With the `__Host-` prefix behind https: no other host and no plain connection can set it (RFC 6265bis, 4.1.3.2). */
  readonly name: string;
  readonly secure: boolean;
  /** The secret for next-auth. */
  readonly secret: string;
  /** The session id of a Cookie header; null when there is none or its secret differs. Never rejects. */
  sessionId(cookieHeader: string | null | undefined): Promise<string | null>;
}

/** A cookie's name, with a prefix when the public address is https. */
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
        const content = await decodeSessionToken({ token, secret });
        return typeof content?.sid === 'string' ? content.sid : null;
      } catch {
        // Forged, expired, or made with another secret.
        return null;
      }
    },
  };
}
