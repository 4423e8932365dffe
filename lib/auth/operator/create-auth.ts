/** Creates the AuthService from its parts. */
import { createHmac } from 'node:crypto';
import { plainText } from '@/lib/text/plain-text';
import { createAccount } from './account';
import { createCredentials } from './credentials';
import { createDeviceCookie } from './device-cookie';
import { deriveKey } from '../encryption';
import { createSafeRecorder } from '../event-recorder';
import { createAuthEvents } from './auth-events';
import { verifyPassword } from './password';
import { OPERATOR, OPERATOR_ACTOR, type AuthStore, type WallClock, type EventRecorder } from './auth-ports';
import type { Secrets } from '../secrets';
import type { AuthService, SignInAttempt, SignInResult } from './auth-service';
import { createSessionCookie } from './session-cookie';
import { createSessions } from './sessions';
import { createSetup, type Setup } from './setup';
import { createStepUp } from './step-up';
import { accountBucket, addressBucket, createThrottle, deviceBucket, type ThrottleKind } from '../throttle';
import { totpSecretHash } from './totp';
import type { FleetLog } from '@/lib/fleet/records/environment';

export interface AuthOptions {
  store: AuthStore;
  now: WallClock;
  record: EventRecorder;
  log: FleetLog;
  secrets: Secrets;
  settings: {
    /** bcrypt hash; null when the password is set in the browser. */
    passwordHash: string | null;
    /** Null when the second factor is set in the browser. */
    totpSecret: Uint8Array | null;
    sessionDurationMs: number;
    /** A session without activity ends after this long. */
    sessionIdleMs: number;
    /** A password without a second factor is not enough. */
    requireTotp: boolean;
    /** Failures without a wait within the window. */
    rateLimit: number;
    rateWindowMs: number;
    baseUrl: string | null;
  };
}

/** `setupCode` is only for the link printed at start. */
export type Auth = AuthService & Pick<Setup, 'setupCode'>;

/**
 * Rejects with a message that says what to do when the stored second factor can't be decrypted with this installation's
 * key.
 */
export async function createAuth({ store, now, record, log, secrets, settings }: AuthOptions): Promise<Auth> {
  await store.ensureUser(OPERATOR, now());
  const totpKey = deriveKey(secrets.encryptionKey, 'totp-secret');
  const recoveryKey = deriveKey(secrets.encryptionKey, 'recovery-codes');
  const credentials = createCredentials({ store, now, configured: settings, totpKey, recoveryKey });
  // An unreadable second factor must fail at start, not at the first sign-in.
  const secondFactor = await credentials.totpSecret(OPERATOR.id);
  if (settings.requireTotp && secondFactor === null && (await credentials.hasPassword(OPERATOR.id))) {
    throw new Error(
      'NIXFLEET_REQUIRE_TOTP is true, but no second factor is set up: set NIXFLEET_TOTP_SECRET, or start without ' +
        'NIXFLEET_REQUIRE_TOTP once and set a second factor up under Settings, Account.',
    );
  }
  const throttle = createThrottle(store, now, { freeFailures: settings.rateLimit, windowMs: settings.rateWindowMs });
  const sessions = createSessions(store, now, settings);
  const cookie = createSessionCookie(secrets.sessionSecret, settings.baseUrl);
  const devices = createDeviceCookie(deriveKey(secrets.encryptionKey, 'device-cookie'), cookie.secure, now);
  const label = settings.baseUrl === null ? OPERATOR.name : new URL(settings.baseUrl).host;
  const events = createAuthEvents(createSafeRecorder(record, log), now);
  const setup = await createSetup({ store, now, events, throttle, credentials, totpKey, recoveryKey, label });
  const stepUp = createStepUp({ events, throttle, credentials });
  const account = createAccount({
    ...{ store, now, events, credentials, sessions, stepUp, totpKey, recoveryKey, label },
    requireTotp: settings.requireTotp,
  });
  await endSessionsOfChangedCredentials();

  /** Ends the sessions opened with credentials of the environment that have changed since the last start. */
  async function endSessionsOfChangedCredentials(): Promise<void> {
    const { passwordHash, totpSecret } = settings;
    const totp = totpSecret === null ? '' : totpSecretHash(totpSecret);
    const mark = createHmac('sha256', deriveKey(secrets.encryptionKey, 'configured-credentials'))
      .update(JSON.stringify([passwordHash, totp]))
      .digest('hex');
    const before = await store.configuredMark();
    if (before === mark) return;
    await store.setConfiguredMark(mark, now());
    const ended = before === null ? 0 : await sessions.endAll(OPERATOR.id);
    if (ended === 0) return;
    // Not awaited: the fleet, which stores events, starts later.
    void events({ claimed: 'dashboard' }, '', { action: 'auth.configured', params: {} });
  }

  async function refused({ address, userAgent }: SignInAttempt, wrong: 'password' | 'code'): Promise<SignInResult> {
    const params = { wrong, userAgent: plainText(userAgent, 400) };
    await events({ claimed: OPERATOR.name }, address, { action: 'auth.sign-in.refused', params });
    return { kind: 'refused' };
  }

  /**
   * Limits are checked before any hashing. The account bucket limits an attacker with any number of addresses. A known
   * browser has its own bucket, so that other clients' failures do not make its operator wait. Attempts at the second
   * factor count only after the right password; a wrong password takes the same time on decoy buckets. While attempts are
   * blocked, a right recovery code counts in a separate bucket, so that strangers' failures can't lock out an operator who
   * has one.
   */
  async function signIn(attempt: SignInAttempt): Promise<SignInResult> {
    const { address, userAgent } = attempt;
    const known = devices.deviceId(attempt.cookies, OPERATOR.id);
    const buckets = (kind: ThrottleKind) =>
      known === null ? [accountBucket(kind, OPERATOR.id), addressBucket(kind, address)] : [deviceBucket(kind, known)];
    const secret = await credentials.totpSecret(OPERATOR.id);
    let first = await throttle.take(buckets('password'), buckets('totp'));
    const isBlocked = first.kind === 'blocked';
    if (isBlocked && secret !== null && (await credentials.isRecoveryCode(OPERATOR.id, attempt.code))) {
      first = await throttle.take([accountBucket('recovery', OPERATOR.id)]);
    }
    if (first.kind === 'blocked') return { kind: 'throttled', retryAfterMs: first.waitMs };
    const counted = [...first.records];

    const right = await verifyPassword(attempt.password, await credentials.passwordHash(OPERATOR.id));
    if (secret !== null) {
      // Without a block, the recovery code counts as any second factor.
      const second = await throttle.take(isBlocked ? [] : buckets(right ? 'totp' : 'decoy'));
      if (second.kind === 'blocked') return { kind: 'throttled', retryAfterMs: second.waitMs };
      counted.push(...second.records);
      const factor = await credentials.checkSecondFactor(OPERATOR.id, secret, attempt.code, right);
      if (right && factor === null) return refused(attempt, 'code');
      if (factor === 'recovery-code') {
        const params = { for: 'sign-in' } as const;
        await events({ by: OPERATOR_ACTOR }, address, { action: 'auth.recovery-code', params });
      }
    }
    if (!right) return refused(attempt, 'password');

    await throttle.clear(counted);
    // Failed step-up proofs of a stolen session must not delay the operator who signs in again.
    const proofs = (['step-up', 'present-password'] as const).map((kind) => accountBucket(kind, OPERATOR.id));
    const blocked = isBlocked ? [...buckets('password'), ...buckets('totp')] : [];
    await throttle.forget([...(secret === null ? buckets('totp') : []), ...buckets('decoy'), ...proofs, ...blocked]);
    const device = devices.issue(OPERATOR.id);
    const made = await sessions.create({ ...OPERATOR_ACTOR, address, userAgent, deviceId: device.deviceId });
    const params = { userAgent: plainText(userAgent, 400), session: made.session.idHash };
    await events({ by: made.session }, address, { action: 'auth.sign-in', params });
    return { kind: 'signed-in', ...made, deviceCookie: device.setCookie };
  }

  return {
    ...setup,
    cookieName: cookie.name,
    secureCookies: cookie.secure,
    cookieSecret: cookie.secret,
    sessionMaxAgeS: Math.ceil(settings.sessionDurationMs / 1_000),
    requiresTotp: async () => (await credentials.totpSecret(OPERATOR.id)) !== null,
    signIn,
    async signOut(idHash, address) {
      const ended = await sessions.revoke(idHash);
      if (ended === null) return;
      await events({ by: ended }, address, { action: 'auth.sign-out', params: { session: idHash } });
    },
    async resolveSession(cookieHeader) {
      const sessionId = await cookie.sessionId(cookieHeader);
      return sessionId === null ? null : sessions.bySessionId(sessionId);
    },
    knownBrowser: (cookieHeader) => devices.deviceId(cookieHeader, OPERATOR.id),
    stillValid: (idHash) => sessions.byHash(idHash),
    hasEnded: (idHash) => sessions.hasEnded(idHash),
    onSessionEnd: (listener) => sessions.onEnd(listener),
    account,
    sessionsOf: (userId) => sessions.list(userId),
    async endSession(idHash, by, address) {
      // Users may end only their own sessions.
      if ((await sessions.byHash(idHash))?.userId !== by.userId) return false;
      if ((await sessions.revoke(idHash)) === null) return false;
      await events({ by }, address, { action: 'auth.session.ended', params: { session: idHash } });
      return true;
    },
    async endOtherSessions(by, address) {
      const ended = await sessions.endOthers(by);
      if (ended === 0) return 0;
      await events({ by }, address, { action: 'auth.session.ended', params: { ended } });
      return ended;
    },
    stepUpAsksFor: (userId) => stepUp.asksFor(userId),
    stepUp: (request) => stepUp.prove(request),
  };
}
