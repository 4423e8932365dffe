/** First-run set-up: one link, new at each start, sets the first password and the second factor. */
import { randomBytes } from 'node:crypto';
import { MIN_OFFERED_BYTES } from './account';
import { decodeBase32, encodeBase32 } from './base32';
import type { Credentials } from './credentials';
import { totpContext } from './credentials';
import { encrypt, equalSecrets } from '../encryption';
import type { AuthEvents } from './auth-events';
import { hashPassword } from './password';
import { passwordProblem } from './password-rule';
import { OPERATOR, OPERATOR_ACTOR, type AuthStore, type WallClock } from './auth-ports';
import { newRecoveryCodes, recoveryCodeHash } from './recovery-codes';
import type { AuthService, SetupResult } from './auth-service';
import { addressBucket, type Throttle } from '../throttle';
import { matchTotpStep, newTotpSecret, totpSecretHash, totpUri } from './totp';

const SETUP_CODE_BYTES = 16;

const WRONG_SETUP_CODE = 'This set-up link is no longer valid. Restart the dashboard and use the link it prints.';

export type Setup = Pick<AuthService, 'setupState' | 'offerSetup' | 'completeSetup'> & {
  /** The code of the link printed at start; null when nothing is to be set up. */
  setupCode(): Promise<string | null>;
};

export async function createSetup(options: {
  store: AuthStore;
  now: WallClock;
  events: AuthEvents;
  throttle: Throttle;
  credentials: Credentials;
  totpKey: Buffer;
  recoveryKey: Buffer;
  /** Names the account in an authenticator app. */
  label: string;
}): Promise<Setup> {
  const { store, now, events, throttle, credentials, totpKey, recoveryKey, label } = options;
  const needsTotp = !credentials.totpIsConfigured(OPERATOR.id);
  const hasPassword = () => credentials.hasPassword(OPERATOR.id);
  let code: string | null = (await hasPassword()) ? null : randomBytes(SETUP_CODE_BYTES).toString('base64url');

  /** A correct code does not count against the limits. */
  async function check(setupCode: string, address: string): Promise<'right' | 'wrong' | { waitMs: number }> {
    const attempt = await throttle.take([addressBucket('setup-code', address)]);
    if (attempt.kind === 'blocked') return { waitMs: attempt.waitMs };
    const isDone = await hasPassword();
    if (code !== null && !isDone && equalSecrets(setupCode, code)) {
      await throttle.clear(attempt.records);
      return 'right';
    }
    await events({ claimed: OPERATOR.name }, address, { action: 'auth.setup.refused', params: {} });
    return 'wrong';
  }

  /** Proves the second factor. The code is used up, so that it can't also sign in. */
  async function proveTotp(offered: string, typed: string): Promise<Buffer | null> {
    const secret = decodeBase32(offered);
    if (secret === null || secret.length < MIN_OFFERED_BYTES) return null;
    const step = await matchTotpStep(secret, typed, now());
    return step !== null && (await store.useTotpStep(totpSecretHash(secret), step)) ? secret : null;
  }

  async function complete(request: Parameters<AuthService['completeSetup']>[0]): Promise<SetupResult> {
    const problem = passwordProblem(request.password);
    if (problem !== null) return { kind: 'refused', field: 'password', message: problem };
    const secret = needsTotp ? await proveTotp(request.secret, request.code) : null;
    if (needsTotp && secret === null) {
      const message = 'This code is wrong or was already used. Wait for the next one, and check your phone’s clock.';
      return { kind: 'refused', field: 'code', message };
    }
    const passwordHash = await hashPassword(request.password);
    const recoveryCodes = secret === null ? [] : newRecoveryCodes();
    const done = await store.setFirstCredentials({
      userId: OPERATOR.id,
      passwordHash,
      totpSecret: secret && encrypt(totpKey, secret, totpContext(OPERATOR.id)),
      recoveryCodeHashes: recoveryCodes.flatMap((one) => recoveryCodeHash(recoveryKey, one) ?? []),
      now: now(),
    });
    if (!done) return { kind: 'refused', field: 'setup-code', message: WRONG_SETUP_CODE };
    code = null;
    const params = { secondFactor: secret !== null };
    await events({ by: OPERATOR_ACTOR }, request.address, { action: 'auth.setup', params });
    return { kind: 'done', recoveryCodes };
  }

  return {
    setupCode: async () => ((await hasPassword()) ? null : code),
    setupState: async () => ((await hasPassword()) ? { kind: 'done' } : { kind: 'open', needsTotp }),
    async offerSetup(setupCode, address) {
      if ((await check(setupCode, address)) !== 'right') return null;
      const secret = newTotpSecret();
      return { secret: encodeBase32(secret), uri: totpUri(secret, label) };
    },
    async completeSetup(request) {
      const checked = await check(request.setupCode, request.address);
      if (typeof checked === 'object') return { kind: 'throttled', retryAfterMs: checked.waitMs };
      if (checked === 'wrong') return { kind: 'refused', field: 'setup-code', message: WRONG_SETUP_CODE };
      return complete(request);
    },
  };
}
