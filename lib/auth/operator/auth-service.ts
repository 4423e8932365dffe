/**
 * What the rest of the dashboard asks of sign-in and sessions. Usable outside of Next: by the socket upgrades, pages,
 * actions and next-auth's `authorize` alike.
 */

import type { Account } from './account';
import type { StepUpRequest } from './step-up';

/** A session that is valid now. */
export interface Session {
  /** SHA-256 of the session id: names the session without giving it away. */
  idHash: string;
  userId: string;
  userName: string;
  /** The browser, as its device cookie names it; empty when it has none. */
  deviceId: string;
  createdAt: number;
  expiresAt: number;
}

/** A session as its user sees it in the list of sessions. */
export interface OpenSession extends Session {
  /** As exact as activity is remembered: a minute. */
  lastSeenAt: number;
  /** When it ends without further activity; `expiresAt` may come before. */
  idleEndsAt: number;
  address: string;
  userAgent: string;
}

export interface SignInAttempt {
  password: string;
  /** TOTP code as typed; empty when the form had none. */
  code: string;
  address: string;
  userAgent: string;
  /** The Cookie header, in which a browser that signed in before shows so. */
  cookies: string | null;
}

export type SignInResult =
  /** `deviceCookie` is a Set-Cookie header for the browser. */
  | { kind: 'signed-in'; sessionId: string; session: Session; deviceCookie: string }
  /** One answer for a wrong password and a wrong code, so that nothing is told. */
  | { kind: 'refused' }
  | { kind: 'throttled'; retryAfterMs: number };

export type StepUpResult =
  | { kind: 'proven' }
  /** Wrong, or used before. */
  | { kind: 'refused' }
  | { kind: 'throttled'; retryAfterMs: number };

export type SetupState =
  /** There is a password: sign in. */
  | { kind: 'done' }
  /** No password yet: the page with the code may set one. `needsTotp`: no secret comes from the environment. */
  | { kind: 'open'; needsTotp: boolean };

export interface SetupOffer {
  /** Base32, shown for typing. */
  secret: string;
  /** otpauth:// address, for the QR code. */
  uri: string;
}

export type SetupResult =
  | { kind: 'done'; recoveryCodes: string[] }
  | { kind: 'refused'; field: 'setup-code' | 'password' | 'code'; message: string }
  | { kind: 'throttled'; retryAfterMs: number };

export interface AuthService {
  /** Name of the session cookie: prefixed when the public address is https. */
  readonly cookieName: string;
  readonly secureCookies: boolean;
  /** Encrypts the session cookie: next-auth's secret, derived from the installation's own. */
  readonly cookieSecret: string;
  /** How long a sign-in lasts at most, and so its cookie, in seconds. */
  readonly sessionMaxAgeS: number;
  /** True when a second factor is set up, so that the sign-in form asks for a code. */
  requiresTotp(): boolean;
  signIn(attempt: SignInAttempt): Promise<SignInResult>;
  /** Ends a session; its sockets are closed. */
  signOut(idHash: string, address: string): void;
  /** The sessions of a user that are valid now, the one last seen first. */
  sessionsOf(userId: string): OpenSession[];
  /** Ends another session of the same user. False when there is none (any more). */
  endSession(idHash: string, by: Session, address: string): boolean;
  /** Ends all sessions of the same user but this one; gives how many there were. */
  endOtherSessions(by: Session, address: string): number;
  /** Password, second factor and recovery codes. */
  readonly account: Account;
  /** The session that a Cookie header belongs to, looked up now; null when there is none. Rejects when the database can't be read. */
  resolveSession(cookieHeader: string | null | undefined): Promise<Session | null>;
  /** The browser that a Cookie header proves to have signed in before; null when it proves none. Opens nothing. */
  knownBrowser(cookieHeader: string | null | undefined): string | null;
  /** Looks a known session up again: null once it has ended. */
  stillValid(idHash: string): Session | null;
  /** Calls back with the hash of each session that ends before its time. Returns the way to end it. */
  onSessionEnd(listener: (idHash: string) => void): () => void;
  /** What a fresh proof is: a code of the second factor, or the password where none is set up. */
  stepUpAsksFor(userId: string): 'code' | 'password';
  /** Checks a fresh proof of who asks, for one request. A right code is used up. */
  stepUp(request: StepUpRequest): Promise<StepUpResult>;
  setupState(): SetupState;
  /** Checks a set-up code (throttled by address) and offers a new TOTP secret for it; null when the code is wrong. */
  offerSetup(setupCode: string, address: string): SetupOffer | null;
  /** Sets the password and the second factor. The set-up code is used up when it succeeds. */
  completeSetup(request: {
    setupCode: string;
    password: string;
    /** The secret that was offered; ignored where the environment sets one. */
    secret: string;
    code: string;
    address: string;
  }): Promise<SetupResult>;
}
