/** The operator's credentials as they are in force: what the environment sets wins over what the browser set. */
import { decrypt } from './encryption';
import { OPERATOR, type AuthStore, type Clock } from './ports';
import { recoveryCodeHash } from './recovery-codes';
import { matchTotpStep, totpSecretHash } from './totp';

export interface Credentials {
  passwordHash(): string | null;
  /** Null when no second factor is set up. */
  totpSecret(): Uint8Array | null;
  hasPassword(): boolean;
  /** True when the environment sets the second factor. */
  readonly totpIsConfigured: boolean;
  /**
   * Checks a code from the app, or a recovery code in its place. With `use`, a right one is used up: it counts once,
   * ever, also when two ask at the same time. Without it the answer takes as long and changes nothing.
   */
  checkSecondFactor(secret: Uint8Array, typed: string, use: boolean): Promise<'totp' | 'recovery-code' | null>;
}

/** What an encrypted TOTP secret is bound to. */
export const totpContext = (userId: string): string => `totp:${userId}`;

export function createCredentials(options: {
  store: AuthStore;
  now: Clock;
  configured: { passwordHash: string | null; totpSecret: Uint8Array | null };
  totpKey: Buffer;
  recoveryKey: Buffer;
}): Credentials {
  const { store, now, configured, totpKey, recoveryKey } = options;

  const passwordHash = () => configured.passwordHash ?? store.user(OPERATOR.id)?.passwordHash ?? null;

  return {
    passwordHash,
    hasPassword: () => passwordHash() !== null,
    totpIsConfigured: configured.totpSecret !== null,
    totpSecret() {
      if (configured.totpSecret !== null) return configured.totpSecret;
      const stored = store.user(OPERATOR.id)?.totpSecret ?? null;
      if (stored === null) return null;
      const secret = decrypt(totpKey, stored, totpContext(OPERATOR.id));
      if (secret !== null) return secret;
      // Never sign in without the second factor because its key is gone.
      throw new Error(
        'The second factor in the database was encrypted with another key. Restore secrets/encryption-key in the data ' +
          'folder from a backup, or set NIXFLEET_TOTP_SECRET.',
      );
    },
    async checkSecondFactor(secret, typed, use) {
      const step = await matchTotpStep(secret, typed, now());
      if (step !== null) return use && store.useTotpStep(totpSecretHash(secret), step) ? 'totp' : null;
      const codeHash = recoveryCodeHash(recoveryKey, typed);
      if (codeHash === null) return null;
      return use && store.useRecoveryCode(OPERATOR.id, codeHash, now()) ? 'recovery-code' : null;
    },
  };
}
