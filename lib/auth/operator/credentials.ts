/**
 * The credentials in force. Those set by the environment belong to the operator and override those set in the browser.
 */
import { decrypt } from '../encryption';
import { OPERATOR, type AuthStore, type WallClock } from './auth-ports';
import { recoveryCodeHash } from './recovery-codes';
import { matchTotpStep, totpSecretHash } from './totp';

export interface Credentials {
  passwordHash(userId: string): Promise<string | null>;
  /** Null when no second factor is set up. Rejects when the stored one can't be decrypted. */
  totpSecret(userId: string): Promise<Uint8Array | null>;
  hasPassword(userId: string): Promise<boolean>;
  /** True when the environment sets the password: it can't be changed in the browser. */
  passwordIsConfigured(userId: string): boolean;
  /** True when the environment sets the second factor: it can't be changed in the browser. */
  totpIsConfigured(userId: string): boolean;
  /**
   * Checks a code from the app or a recovery code. With `use`, a correct one is used up: it counts once, also with
   * concurrent requests. Without it, the check takes as long and changes nothing.
   */
  checkSecondFactor(
    userId: string,
    secret: Uint8Array,
    typed: string,
    use: boolean,
  ): Promise<'totp' | 'recovery-code' | null>;
  /** Whether this is a recovery code that was not used yet. Uses nothing up. */
  isRecoveryCode(userId: string, typed: string): Promise<boolean>;
}

interface Configured {
  passwordHash: string | null;
  totpSecret: Uint8Array | null;
}

const NOTHING: Configured = { passwordHash: null, totpSecret: null };

/** The context that an encrypted TOTP secret is bound to. */
export const totpContext = (userId: string): string => `totp:${userId}`;

export function createCredentials(options: {
  store: AuthStore;
  now: WallClock;
  configured: Configured;
  totpKey: Buffer;
  recoveryKey: Buffer;
}): Credentials {
  const { store, now, configured, totpKey, recoveryKey } = options;

  const set = (userId: string) => (userId === OPERATOR.id ? configured : NOTHING);
  const passwordHash = async (userId: string) =>
    set(userId).passwordHash ?? (await store.user(userId))?.passwordHash ?? null;

  return {
    passwordHash,
    hasPassword: async (userId) => (await passwordHash(userId)) !== null,
    passwordIsConfigured: (userId) => set(userId).passwordHash !== null,
    totpIsConfigured: (userId) => set(userId).totpSecret !== null,
    async totpSecret(userId) {
      const { totpSecret } = set(userId);
      if (totpSecret !== null) return totpSecret;
      const stored = (await store.user(userId))?.totpSecret ?? null;
      if (stored === null) return null;
      const secret = decrypt(totpKey, stored, totpContext(userId));
      if (secret !== null) return secret;
      // A lost key must not remove the second factor.
      throw new Error(
        'The second factor in the database was encrypted with another key. Restore secrets/encryption-key in the data ' +
          'folder from a backup, or set NIXFLEET_TOTP_SECRET.',
      );
    },
    async isRecoveryCode(userId, typed) {
      const codeHash = recoveryCodeHash(recoveryKey, typed);
      return codeHash !== null && (await store.hasRecoveryCode(userId, codeHash));
    },
    async checkSecondFactor(userId, secret, typed, use) {
      const step = await matchTotpStep(secret, typed, now());
      if (step !== null) return use && (await store.useTotpStep(totpSecretHash(secret), step)) ? 'totp' : null;
      const codeHash = recoveryCodeHash(recoveryKey, typed);
      if (codeHash === null) return null;
      return use && (await store.useRecoveryCode(userId, codeHash, now())) ? 'recovery-code' : null;
    },
  };
}
