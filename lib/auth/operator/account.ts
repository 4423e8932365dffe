/**
 * Changes of a user's account: password, second factor, recovery codes. Actions require a step-up proof for each change
 * (see `step-up.ts`), and a change ends the other sessions, so an intruder loses access.
 */
import { decodeBase32, encodeBase32 } from './base32';
import { totpContext, type Credentials } from './credentials';
import { encrypt } from '../encryption';
import type { AuthEvents } from './auth-events';
import { hashPassword } from './password';
import { passwordProblem } from './password-rule';
import type { AuthStore, WallClock } from './auth-ports';
import { newRecoveryCodes, recoveryCodeHash } from './recovery-codes';
import type { Session, SetupOffer } from './auth-service';
import type { Sessions } from './sessions';
import type { StepUp } from './step-up';
import { matchTotpStep, newTotpSecret, totpSecretHash, totpUri } from './totp';

/** The browser sends back the offered secret: a shorter one is refused (RFC 4226, 4: at least 128 bits). */
export const MIN_OFFERED_BYTES = 16;

export interface AccountView {
  /** `configured`: set by the environment; the browser can't change it. */
  password: 'configured' | 'stored' | 'none';
  secondFactor: 'configured' | 'stored' | 'none';
  /** A second factor may be replaced, but not removed. */
  secondFactorRequired: boolean;
  recoveryCodesLeft: number;
}

export type AccountProblem =
  | { kind: 'refused'; field: 'current' | 'password' | 'code' | 'form'; message: string }
  | { kind: 'throttled'; retryAfterMs: number };

export interface AccountChange {
  /** Shown once; empty when the change created none. */
  recoveryCodes: string[];
  /** Number of other sessions it ended. */
  endedSessions: number;
}

/** The session and address of the change. */
export interface AccountRequest {
  session: Session;
  address: string;
}

export interface Account {
  view(userId: string): Promise<AccountView>;
  /** Why a new password is refused, checking the current one first; null when it is accepted. Changes nothing. */
  passwordChangeProblem(
    request: AccountRequest & { current: string; password: string },
  ): Promise<AccountProblem | null>;
  changePassword(request: AccountRequest & { password: string }): Promise<AccountChange>;
  /** Creates a secret for an authenticator app. It has no effect until it is enrolled. */
  offerSecondFactor(): SetupOffer;
  /** Why enrolling a secret with its code is refused; null when it is accepted. Does not use up the code. */
  enrolmentProblem(request: AccountRequest & { secret: string; code: string }): Promise<AccountProblem | null>;
  /** Enrols or replaces the second factor, with new recovery codes. */
  enrolSecondFactor(
    request: AccountRequest & { secret: string; code: string },
  ): Promise<AccountChange | AccountProblem>;
  removalProblem(userId: string): AccountProblem | null;
  removeSecondFactor(request: AccountRequest): Promise<AccountChange>;
  /** Creates new recovery codes; the previous ones become invalid. */
  renewRecoveryCodes(request: AccountRequest): Promise<AccountChange>;
}

type AccountEventCode = 'auth.password.changed' | 'auth.totp.enrolled' | 'auth.totp.replaced' | 'auth.totp.removed';

const WRONG_CODE = 'This code is wrong or was already used. Wait for the next one, and check your phone’s clock.';

const refused = (field: 'current' | 'password' | 'code' | 'form', message: string): AccountProblem => ({
  kind: 'refused',
  field,
  message,
});

export function createAccount(options: {
  store: AuthStore;
  now: WallClock;
  events: AuthEvents;
  credentials: Credentials;
  sessions: Sessions;
  stepUp: StepUp;
  totpKey: Buffer;
  recoveryKey: Buffer;
  /** Names the account in an authenticator app. */
  label: string;
  requireTotp: boolean;
}): Account {
  const { store, now, events, credentials, sessions, stepUp, totpKey, recoveryKey, label } = options;

  /** Ends the other sessions and records the change. */
  async function changed(
    { session, address }: AccountRequest,
    action: AccountEventCode,
    recoveryCodes: string[],
  ): Promise<AccountChange> {
    const endedSessions = await sessions.endOthers(session);
    await events({ by: session }, address, { action, params: { session: session.idHash, endedSessions } });
    return { recoveryCodes, endedSessions };
  }

  const hashesOf = (codes: readonly string[]) => codes.flatMap((code) => recoveryCodeHash(recoveryKey, code) ?? []);

  /** The time step of the code, if the secret may be enrolled with it. */
  async function checkOffer(userId: string, offered: string, typed: string) {
    if (credentials.totpIsConfigured(userId)) {
      return refused('form', 'NIXFLEET_TOTP_SECRET sets the second factor: change it there.');
    }
    const secret = decodeBase32(offered);
    if (secret === null || secret.length < MIN_OFFERED_BYTES) {
      return refused('form', 'This secret was not issued by the dashboard. Start again.');
    }
    const step = await matchTotpStep(secret, typed, now());
    return step === null ? refused('code', WRONG_CODE) : { kind: 'right' as const, secret, step };
  }

  return {
    async view(userId) {
      const hasTotp = (await credentials.totpSecret(userId)) !== null;
      return {
        password: credentials.passwordIsConfigured(userId)
          ? 'configured'
          : (await credentials.hasPassword(userId))
            ? 'stored'
            : 'none',
        secondFactor: credentials.totpIsConfigured(userId) ? 'configured' : hasTotp ? 'stored' : 'none',
        secondFactorRequired: options.requireTotp,
        recoveryCodesLeft: hasTotp ? await store.recoveryCodesLeft(userId) : 0,
      };
    },

    async passwordChangeProblem({ session, address, current, password }) {
      if (credentials.passwordIsConfigured(session.userId)) {
        return refused('form', 'NIXFLEET_PASSWORD_HASH sets the password: change it there.');
      }
      const problem = passwordProblem(password);
      if (problem !== null) return refused('password', problem);
      const checked = await stepUp.checkPassword({ session, proof: current, purpose: 'A new password', address });
      if (checked.kind === 'throttled') return checked;
      return checked.kind === 'refused' ? refused('current', 'This is not the current password.') : null;
    },
    async changePassword(request) {
      await store.setPassword(request.session.userId, await hashPassword(request.password), now());
      return changed(request, 'auth.password.changed', []);
    },

    offerSecondFactor() {
      const secret = newTotpSecret();
      return { secret: encodeBase32(secret), uri: totpUri(secret, label) };
    },
    async enrolmentProblem({ session, secret, code }) {
      const checked = await checkOffer(session.userId, secret, code);
      return checked.kind === 'right' ? null : checked;
    },
    async enrolSecondFactor(request) {
      const { userId } = request.session;
      const checked = await checkOffer(userId, request.secret, request.code);
      if (checked.kind !== 'right') return checked;
      // Use it up, so that it can't also sign in.
      if (!(await store.useTotpStep(totpSecretHash(checked.secret), checked.step))) return refused('code', WRONG_CODE);
      const replaces = (await credentials.totpSecret(userId)) !== null;
      const codes = newRecoveryCodes();
      await store.setSecondFactor({
        userId,
        totpSecret: encrypt(totpKey, checked.secret, totpContext(userId)),
        recoveryCodeHashes: hashesOf(codes),
        now: now(),
      });
      return changed(request, replaces ? 'auth.totp.replaced' : 'auth.totp.enrolled', codes);
    },
    removalProblem(userId) {
      if (credentials.totpIsConfigured(userId)) {
        return refused('form', 'NIXFLEET_TOTP_SECRET sets the second factor: remove it there.');
      }
      return options.requireTotp
        ? refused('form', 'NIXFLEET_REQUIRE_TOTP requires a second factor: you can replace it, but not remove it.')
        : null;
    },
    async removeSecondFactor(request) {
      await store.setSecondFactor({
        userId: request.session.userId,
        totpSecret: null,
        recoveryCodeHashes: [],
        now: now(),
      });
      return changed(request, 'auth.totp.removed', []);
    },
    async renewRecoveryCodes(request) {
      const codes = newRecoveryCodes();
      await store.setRecoveryCodes(request.session.userId, hashesOf(codes));
      const { session, address } = request;
      await events({ by: session }, address, { action: 'auth.recovery-codes', params: {} });
      return { recoveryCodes: codes, endedSessions: 0 };
    },
  };
}
