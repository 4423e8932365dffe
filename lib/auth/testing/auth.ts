/** An AuthService on a real, migrated database, with a clock set by the test. */
import { generate } from 'otplib';
import { createAuthStore } from '@/lib/store/sqlite/auth-store';
import { answerLater, type Direct } from '@/lib/store/sqlite/later';
import { openTestDatabase, type TestDatabase } from '@/lib/store/sqlite/testing/database';
import { createAuth, type Auth, type AuthOptions } from '../operator/create-auth';
import type { AuthStore } from '../operator/auth-ports';
import { recordedEvent, type RecordedEvent } from '@/lib/fleet/testing/recorded-event';

export const PASSWORD = 'correct horse battery staple';
/** bcrypt of PASSWORD at the lowest cost, so that tests are quick. */
export const PASSWORD_HASH = '$2b$04$cv.3zYF6yLrSBLhkJNcSieq8TDELAYuB4cX4rDyyLhock30.Pvp86';
export const SECRETS = {
  sessionSecret: 'a session secret for tests',
  agentToken: 'an agent token for tests',
  encryptionKey: 'an encryption key for tests',
};

export interface TestAuth {
  auth: Auth;
  database: TestDatabase;
  events: RecordedEvent[];
  /** Milliseconds; set by tests. */
  clock: { now: number };
  /** The same installation after a restart, with other settings where given. */
  restart: (settings?: Partial<AuthOptions['settings']>, secrets?: Partial<AuthOptions['secrets']>) => Promise<Auth>;
  close(): void;
}

/** `through`: what stands between sign-in and the store, as a thread does. */
export async function makeAuth(
  settings: Partial<AuthOptions['settings']> = {},
  through: (store: Direct<AuthStore>) => AuthStore = answerLater,
): Promise<TestAuth> {
  const database = openTestDatabase();
  const store = through(createAuthStore(database.db));
  const events: RecordedEvent[] = [];
  const clock = { now: Date.now() };
  const start = (more: Partial<AuthOptions['settings']> = {}, secrets: Partial<AuthOptions['secrets']> = {}) =>
    createAuth({
      store,
      now: () => clock.now,
      record: (event) => void events.push(recordedEvent(event)),
      log: database.log,
      secrets: { ...SECRETS, ...secrets },
      settings: {
        passwordHash: null,
        totpSecret: null,
        sessionDurationMs: 24 * 3_600_000,
        sessionIdleMs: 12 * 3_600_000,
        requireTotp: false,
        rateLimit: 5,
        rateWindowMs: 60_000,
        baseUrl: null,
        ...settings,
        ...more,
      },
    });
  return { auth: await start(), database, events, clock, restart: start, close: () => database.close() };
}

/** The code that an authenticator app shows at this time (ms). */
export function codeAt(secret: string | Uint8Array, at: number): Promise<string> {
  return generate({ secret, epoch: Math.floor(at / 1_000) });
}

/** A six-digit code other than the given ones. */
export function otherCode(...codes: string[]): string {
  for (let number = 0; ; number += 1) {
    const code = String(number).padStart(6, '0');
    if (!codes.includes(code)) return code;
  }
}
