/**
 * The interface to sign-in and sessions. Usable outside Next: by socket upgrades, pages, actions and next-auth's
 * `authorize`.
 */

import type { Account } from './account';
import type { StepUpRequest } from './step-up';

/** A session that is valid now. */
export interface Session {
  /** SHA-256 of the session id: identifies the session without revealing it. */
  idHash: string;
  userId: string;
  userName: string;
  /** The device id of the browser's device cookie; empty when it has none. */
  deviceId: string;
  createdAt: number;
  expiresAt: number;
}

/** A session as its user sees it in the list of sessions. */
export interface OpenSession extends Session {
  /** With a resolution of one minute. */
  lastSeenAt: number;
  /** When it ends without further activity; `expiresAt` may be earlier. */
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
  /** The Cookie header, which may hold the device cookie. */
  cookies: string | null;
}

export type SignInResult =
  /** `deviceCookie` is a Set-Cookie header for the browser. */
  | { kind: 'signed-in'; sessionId: string; session: Session; deviceCookie: string }
  /** The same for a wrong password and a wrong code, so that nothing is revealed. */
  | { kind: 'refused' }
  | { kind: 'throttled'; retryAfterMs: number };

export type StepUpResult =
  | { kind: 'proven' }
  /** Wrong or already used. */
  | { kind: 'refused' }
  | { kind: 'throttled'; retryAfterMs: number };

export type SetupState =
  /** A password is set: sign in. */
  | { kind: 'done' }
  /** No password is set: the page with the code may set one. `needsTotp`: the environment sets no secret. */
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
  /** Encrypts the session cookie: next-auth's secret, derived from the installation's session secret. */
  readonly cookieSecret: string;
  /** Longest duration of a sign-in and its cookie, in seconds. */
  readonly sessionMaxAgeS: number;
  /** True when a second factor is set up, so that the sign-in form asks for a code. */
  requiresTotp(): Promise<boolean>;
  signIn(attempt: SignInAttempt): Promise<SignInResult>;
  /** Ends a session; its sockets are closed. */
  signOut(idHash: string, address: string): Promise<void>;
  /** The valid sessions of a user, the last seen first. */
  sessionsOf(userId: string): Promise<OpenSession[]>;
  /** Ends another session of the same user. False when it does not exist (any more). */
  endSession(idHash: string, by: Session, address: string): Promise<boolean>;
  /** Ends all other sessions of the same user. Returns their number. */
  endOtherSessions(by: Session, address: string): Promise<number>;
  /** Password, second factor and recovery codes. */
  readonly account: Account;
  /** Looks up the session of a Cookie header; null when there is none. Rejects when the database can't be read. */
  resolveSession(cookieHeader: string | null | undefined): Promise<Session | null>;
  /** The known browser that a Cookie header proves; null when it proves none. It grants no access. */
  knownBrowser(cookieHeader: string | null | undefined): string | null;
  /** Looks up a session again; null once it has ended. */
  stillValid(idHash: string): Promise<Session | null>;
  /**
   * True when this process has ended the session. Answered from memory, so that whoever looked a session up can check
   * at once that it did not end meanwhile.
   */
  hasEnded(idHash: string): boolean;
  /** Calls back with the hash of each session that is ended early. Returns a function that unsubscribes. */
  onSessionEnd(listener: (idHash: string) => void): () => void;
  /** The kind of step-up proof: a code of the second factor, or the password when none is set up. */
  stepUpAsksFor(userId: string): Promise<'code' | 'password'>;
  /** Checks a step-up proof for one request. A correct code is used up. */
  stepUp(request: StepUpRequest): Promise<StepUpResult>;
  setupState(): Promise<SetupState>;
  /** Checks a set-up code (throttled by address) and offers a new TOTP secret for it; null when the code is wrong. */
  offerSetup(setupCode: string, address: string): Promise<SetupOffer | null>;
  /** Sets the password and the second factor. Success uses up the set-up code. */
  completeSetup(request: {
    setupCode: string;
    password: string;
    /** The offered secret; ignored when the environment sets one. */
    secret: string;
    code: string;
    address: string;
  }): Promise<SetupResult>;
}
