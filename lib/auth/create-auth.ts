/** Puts sign-in together: what `server.ts` makes and everything else reaches as an AuthService. */
import { plainText } from '@/lib/protocol/text';
import { createCredentials } from './credentials';
import { deriveKey } from './encryption';
import { createAuthEvents } from './events';
import { passwordIsRight } from './password';
import { OPERATOR, OPERATOR_ACTOR, type AuthStore, type Clock, type EventRecorder } from './ports';
import type { Secrets } from './secrets';
import type { AuthService, SignInAttempt, SignInResult } from './service';
import { createSessionCookie } from './session-cookie';
import { createSessions } from './sessions';
import { createSetup, type Setup } from './setup';
import { createStepUp } from './step-up';
import { accountBucket, addressBucket, createThrottle, type ThrottleKind } from './throttle';

export interface AuthOptions {
  store: AuthStore;
  now: Clock;
  record: EventRecorder;
  secrets: Secrets;
  settings: {
    /** bcrypt; null when the password is set in the browser. */
    passwordHash: string | null;
    /** Null when the second factor is set in the browser. */
    totpSecret: Uint8Array | null;
    sessionDurationMs: number;
    /** Failures that are free within the window. */
    rateLimit: number;
    rateWindowMs: number;
    baseUrl: string | null;
  };
}

/** `setupCode` is for the link that the start prints, and for nobody else. */
export type Auth = AuthService & Pick<Setup, 'setupCode'>;

/** Throws, with a sentence that says what to do, when the stored second factor can't be read with this installation's key. */
export function createAuth({ store, now, record, secrets, settings }: AuthOptions): Auth {
  store.ensureUser(OPERATOR, now());
  const totpKey = deriveKey(secrets.encryptionKey, 'totp-secret');
  const recoveryKey = deriveKey(secrets.encryptionKey, 'recovery-codes');
  const credentials = createCredentials({ store, now, configured: settings, totpKey, recoveryKey });
  // A second factor that can't be read stops the start, not the first sign-in.
  credentials.totpSecret(OPERATOR.id);
  const throttle = createThrottle(store, now, { freeFailures: settings.rateLimit, windowMs: settings.rateWindowMs });
  const sessions = createSessions(store, now, settings.sessionDurationMs);
  const cookie = createSessionCookie(secrets.sessionSecret, settings.baseUrl);
  const label = settings.baseUrl === null ? OPERATOR.name : new URL(settings.baseUrl).host;
  const events = createAuthEvents(record, now);
  const setup = createSetup({ store, now, events, throttle, credentials, totpKey, recoveryKey, label });
  const stepUp = createStepUp({ store, now, events, throttle, credentials });

  function refused({ address, userAgent }: SignInAttempt, message: string): SignInResult {
    const event = { action: 'auth.sign-in.refused', level: 'warning', outcome: 'refused' } as const;
    const data = { userAgent: plainText(userAgent, 400) };
    events({ claimed: OPERATOR.name }, { ...event, message, address, data });
    return { kind: 'refused' };
  }

  /**
   * Limits come before any hash. The account's bucket holds whatever number of addresses an attacker has; tries for the
   * second factor count only after the right password, and a wrong password costs the same work on decoys.
   */
  async function signIn(attempt: SignInAttempt): Promise<SignInResult> {
    const { address, userAgent } = attempt;
    const buckets = (kind: ThrottleKind) => [accountBucket(kind, OPERATOR.id), addressBucket(kind, address)];
    const secret = credentials.totpSecret(OPERATOR.id);
    const blockedMs = throttle.take(buckets('password'), buckets('totp'));
    if (blockedMs > 0) return { kind: 'throttled', retryAfterMs: blockedMs };

    const right = await passwordIsRight(attempt.password, credentials.passwordHash(OPERATOR.id));
    if (secret !== null) {
      const waitMs = throttle.take(buckets(right ? 'totp' : 'decoy'));
      if (waitMs > 0) return { kind: 'throttled', retryAfterMs: waitMs };
      const factor = await credentials.checkSecondFactor(OPERATOR.id, secret, attempt.code, right);
      if (right && factor === null) return refused(attempt, 'Sign-in refused: right password, wrong or used code.');
      if (factor === 'recovery-code') {
        const message = 'A recovery code was used to sign in.';
        const event = { action: 'auth.recovery-code', level: 'info', outcome: 'done' } as const;
        events({ by: OPERATOR_ACTOR }, { ...event, message, address });
      }
    }
    if (!right) return refused(attempt, 'Sign-in refused: wrong password.');

    throttle.clear([...buckets('password'), ...buckets('totp')]);
    const made = sessions.create({ ...OPERATOR_ACTOR, address, userAgent, deviceId: '' });
    const data = { userAgent: plainText(userAgent, 400), session: made.session.idHash };
    const event = { action: 'auth.sign-in', level: 'success', outcome: 'done', message: 'Signed in.' } as const;
    events({ by: made.session }, { ...event, address, data });
    return { kind: 'signed-in', ...made };
  }

  return {
    ...setup,
    cookieName: cookie.name,
    secureCookies: cookie.secure,
    cookieSecret: cookie.secret,
    sessionMaxAgeS: Math.ceil(settings.sessionDurationMs / 1_000),
    requiresTotp: () => credentials.totpSecret(OPERATOR.id) !== null,
    signIn,
    signOut(idHash, address) {
      const ended = sessions.revoke(idHash);
      if (ended === null) return;
      const event = { action: 'auth.sign-out', level: 'info', outcome: 'done', message: 'Signed out.' } as const;
      events({ by: ended }, { ...event, address, data: { session: idHash } });
    },
    async resolveSession(cookieHeader) {
      const sessionId = await cookie.sessionId(cookieHeader);
      return sessionId === null ? null : sessions.bySessionId(sessionId);
    },
    stillValid: (idHash) => sessions.byHash(idHash),
    onSessionEnd: (listener) => sessions.onEnd(listener),
    stepUpAsksFor: (userId) => stepUp.asksFor(userId),
    stepUp: (request) => stepUp.prove(request),
  };
}
