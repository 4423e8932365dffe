/** Variables of sign-in and sessions. */
import { decodeBase32 } from '@/lib/auth/operator/base32';
import {
  bcryptHash,
  boolean,
  parseDuration,
  text,
  version3Duration,
  version3Integer,
  type Parsed,
  type Parser,
} from '../parsers';
import { HOUR_MS, MINUTE_MS, optional, variable, type Variable } from './variable';

const RATE_WINDOW = { ms: MINUTE_MS, text: '1m' };

const totpSecret: Parser<Buffer> = (raw): Parsed<Buffer> => {
  const value = decodeBase32(raw);
  return value === null
    ? {
        ok: false,
        problem: 'write the secret in base32 (letters A to Z and digits 2 to 7), as your authenticator app has it',
      }
    : { ok: true, value };
};

export const SIGN_IN_VARIABLES = {
  passwordHash: variable({
    name: 'NIXFLEET_PASSWORD_HASH',
    prose:
      "The operator's password as a bcrypt hash ($2a$, $2b$ or $2y$). Without it, the first start prints a set-up link.",
    parse: optional(bcryptHash),
    fallback: null,
    fallbackText: 'set in the browser',
    fallbackSource: 'set here',
    shows: 'secret',
  }),
  totpSecret: variable({
    name: 'NIXFLEET_TOTP_SECRET',
    prose: 'Secret of the second factor, in base32. Without it, you enrol one at set-up or on the account page.',
    parse: optional(totpSecret),
    fallback: null,
    fallbackText: 'set in the browser',
    fallbackSource: 'set here',
    shows: 'secret',
  }),
  requireTotp: variable({
    name: 'NIXFLEET_REQUIRE_TOTP',
    prose: 'Refuse to start with a password but without a second factor, and do not allow removing the second factor.',
    parse: boolean,
    fallback: false,
    fallbackText: 'false',
  }),
  sessionSecret: variable({
    name: 'NIXFLEET_SESSION_SECRET',
    prose: 'Secret that protects the session cookies, of any length. Changing it signs everybody out.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'made by the dashboard',
    fallbackSource: 'made by the dashboard',
    shows: 'secret',
    formerly: { name: 'NIXFLEET_SESSION_SECRETS', convert: (raw) => raw.split(',')[0]?.trim() ?? '' },
  }),
  sessionDurationMs: variable({
    name: 'NIXFLEET_SESSION_DURATION',
    prose: 'How long a session lasts at most.',
    parse: version3Duration({ ms: MINUTE_MS, text: '1m' }, { ms: 24 * HOUR_MS, text: '24h' }),
    fallback: 24 * HOUR_MS,
    fallbackText: '24h',
  }),
  sessionIdleMs: variable({
    name: 'NIXFLEET_SESSION_IDLE',
    prose: 'How long a session lasts without activity. An open page alone does not count as activity.',
    parse: parseDuration(MINUTE_MS, '1m'),
    fallback: 12 * HOUR_MS,
    fallbackText: '12h',
  }),
  rateLimit: variable({
    name: 'NIXFLEET_RATE_LIMIT',
    prose:
      'How many sign-ins may fail within the window before waits begin, for an address and for the account. Each further ' +
      'failure doubles the wait, for passwords up to 15 minutes, for codes up to 4 hours.',
    parse: version3Integer(1, 1_000, 5),
    fallback: 5,
    fallbackText: '5',
  }),
  rateWindowMs: variable({
    name: 'NIXFLEET_RATE_WINDOW',
    prose: 'The window of `NIXFLEET_RATE_LIMIT`. Wrong codes are remembered longer: for a week, or until a right one.',
    // A window of a second would hardly limit anything.
    parse: version3Duration({ ms: 1_000, text: '1s' }, RATE_WINDOW, RATE_WINDOW),
    fallback: RATE_WINDOW.ms,
    fallbackText: '1m',
  }),
} satisfies Record<string, Variable<unknown>>;
