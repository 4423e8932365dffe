/** An AuthService on a real, migrated database, with a clock set by the test. */
import { generate } from 'otplib';
import { createAuthStore } from '@/lib/store/sqlite/auth-store';
import { openTestDatabase, type TestDatabase } from '@/lib/store/sqlite/testing/database';
import { createAuth, type Auth, type AuthOptions } from '../operator/create-auth';
import type { NewEvent } from '@/lib/fleet/records/event-record';

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
  events: NewEvent[];
  /** Milliseconds; set by tests. */
  clock: { now: number };
  /** The same installation after a restart, with other settings where given. */
  restart: (settings?: Partial<AuthOptions['settings']>, secrets?: Partial<AuthOptions['secrets']>) => Auth;
  close(): void;
}

export function makeAuth(settings: Partial<AuthOptions['settings']> = {}): TestAuth {
  const database = openTestDatabase();
  const store = createAuthStore(database.db);
  const events: NewEvent[] = [];
  const clock = { now: Date.now() };
  const start = (more: Partial<AuthOptions['settings']> = {}, secrets: Partial<AuthOptions['secrets']> = {}): Auth =>
    createAuth({
      store,
      now: () => clock.now,
      record: (event) => events.push(event),
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
  return { auth: start(), database, events, clock, restart: start, close: () => database.close() };
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
