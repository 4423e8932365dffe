/** next-auth only carries the cookie; the AuthService alone decides who may sign in. */
import type { CookieOption, NextAuthOptions } from 'next-auth';
import CredentialsProvider from 'next-auth/providers/credentials';
import { z } from 'zod';
import type { Log } from '@/lib/log';
import type { AuthService } from '../operator/auth-service';
import { cookieName, decodeSessionToken } from '../operator/session-cookie';
import { sessionIdHash } from '../operator/sessions';
import { signInErrorCode } from './sign-in-error';
import { storageRefusal } from './storage-refusal';

const credentialsSchema = z.object({ password: z.string().min(1).max(4_096), code: z.string().max(256).default('') });

export interface NextAuthSetting {
  auth: AuthService;
  log: Log;
  /** Origin of the request's browser: the only allowed redirect target. */
  origin: string;
  /** The client's address, as determined by `server.ts`. */
  address: string;
  /** The request's Cookie header. */
  cookies: string | null;
  /** Receives the device cookie's Set-Cookie header, which a sign-in sends besides next-auth's. */
  onDeviceCookie: (setCookie: string) => void;
}

/** Options for one request. */
export function nextAuthOptions(setting: NextAuthSetting): NextAuthOptions {
  const { auth, log, origin, address, cookies } = setting;
  const secure = auth.secureCookies;
  const cookie = (name: string): CookieOption => ({
    name,
    options: { httpOnly: true, sameSite: 'lax', path: '/', secure },
  });
  return {
    secret: auth.cookieSecret,
    useSecureCookies: secure,
    cookies: {
      sessionToken: cookie(auth.cookieName),
      csrfToken: cookie(cookieName('csrf', secure)),
      callbackUrl: cookie(cookieName('callback', secure)),
    },
    session: { strategy: 'jwt', maxAge: auth.sessionMaxAgeS },
    jwt: { decode: decodeSessionToken },
    pages: { signIn: '/login', signOut: '/login', error: '/login' },
    providers: [
      CredentialsProvider({
        credentials: { password: { type: 'password' }, code: { type: 'text' } },
        async authorize(credentials, request) {
          const input = credentialsSchema.safeParse(credentials);
          if (!input.success) throw new Error(signInErrorCode({ kind: 'refused' }));
          const userAgent: unknown = request.headers?.['user-agent'];
          const result = await auth
            .signIn({ ...input.data, address, cookies, userAgent: typeof userAgent === 'string' ? userAgent : '' })
            .catch((error: unknown) => {
              log.error({ err: error }, 'sign-in failed');
              return { kind: storageRefusal(error) === null ? 'failed' : 'unstored' } as const;
            });
          // The message reaches the browser, so it is only a code.
          if (result.kind !== 'signed-in') throw new Error(signInErrorCode(result));
          setting.onDeviceCookie(result.deviceCookie);
          return { id: result.sessionId };
        },
      }),
    ],
    callbacks: {
      // The token holds only the session id, so every claim requires a session look-up.
      jwt: ({ token, user }) => ({ sid: typeof token.sid === 'string' ? token.sid : user.id }),
      session: ({ session }) => ({ expires: session.expires }),
      redirect: ({ url }) => {
        const target = URL.canParse(url, origin) ? new URL(url, origin) : null;
        return target?.origin === origin ? target.href : origin;
      },
    },
    events: {
      signOut: async ({ token }) => {
        if (typeof token.sid === 'string') await auth.signOut(sessionIdHash(token.sid), address);
      },
    },
    logger: {
      error: (code, metadata) => log.error({ err: metadata }, `next-auth: ${code}`),
      warn: (code) => log.debug(`next-auth: ${code}`),
      debug: () => undefined,
    },
  };
}

/** The origin in the browser's address bar: the public address, or the requested host. */
export function requestOrigin(headers: Headers, baseUrl: string | null): string {
  if (baseUrl !== null) return baseUrl;
  const host = headers.get('host') ?? 'localhost';
  const scheme = headers.get('x-forwarded-proto')?.split(',')[0]?.trim() === 'https' ? 'https' : 'http';
  return URL.canParse(`${scheme}://${host}`) ? new URL(`${scheme}://${host}`).origin : 'http://localhost';
}
