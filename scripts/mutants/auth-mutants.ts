/** Changes to signing in, proofs, sessions and tokens. */
import type { Mutant } from './mutant';

const THROTTLE = 'lib/auth/throttle.ts';
const ACTION = 'lib/auth/next/action.ts';
const SESSIONS = 'lib/auth/operator/sessions.ts';
const DEVICE = 'lib/auth/operator/device-cookie.ts';
const CREATE = 'lib/auth/operator/create-auth.ts';
const CREDENTIALS = 'lib/auth/operator/credentials.ts';
const TOKENS = 'lib/auth/agents/agent-tokens.ts';
const CODES = 'lib/auth/agents/enrolment-codes.ts';
const THROTTLE_TEST = 'lib/auth/throttle.test.ts';
const ACTION_TEST = 'lib/auth/next/action.test.ts';
const SIGN_IN_TEST = 'lib/auth/operator/sign-in.test.ts';
const SAME_MOMENT_TEST = 'lib/auth/operator/same-moment.test.ts';
const STEP_UP_TEST = 'lib/auth/operator/step-up.test.ts';
const DEVICE_TEST = 'lib/auth/operator/device-cookie.test.ts';
const ACCOUNT_TEST = 'lib/auth/operator/account.test.ts';
const ACCESS_TESTS = ['bearer-tokens', 'token-memory', 'enrolment-codes', 'concurrent-changes'].map(
  (name) => `lib/auth/agents/${name}.test.ts`,
);
const SESSION_END_TEST = 'lib/edge/browsers/test/session-end.test.ts';

export const AUTH_MUTANTS: readonly Mutant[] = [
  {
    name: 'throttle-after-the-clock-went-back',
    file: THROTTLE,
    from: '    if (record.lastAt > at) return true;\n',
    to: '',
    why: 'after the clock was corrected by a year, the operator waits for a year',
    tests: [THROTTLE_TEST],
  },
  {
    name: 'codes-guessed-as-fast-as-passwords',
    file: THROTTLE,
    from: 'OF_CODES.test(bucket) ? FOR_CODES : USUAL',
    to: 'OF_CODES.test(bucket) ? USUAL : USUAL',
    why: 'a year of guesses finds a code with a probability of ten percent',
    tests: [THROTTLE_TEST],
  },
  {
    name: 'codes-forgotten-like-passwords',
    file: THROTTLE,
    from: 'const windowed = record.failures < freeFailures && !OF_CODES.test(record.bucket);',
    to: 'const windowed = record.failures < freeFailures;',
    why: 'slow guesses of codes are never counted',
    tests: [THROTTLE_TEST],
  },
  {
    name: 'later-guesses-free',
    file: THROTTLE,
    from: 'const failures = stored.failures - counted.failures;',
    to: 'const failures = stored.failures - stored.failures;',
    why: 'guesses beside a correct sign-in are free',
    tests: [THROTTLE_TEST],
  },
  {
    name: 'lost-race-counts',
    file: THROTTLE,
    from: 'if (!(await store.changeThrottles(changes))) return null;',
    to: 'await store.changeThrottles(changes);',
    why: 'of many guesses at the same moment, one counts',
    tests: [THROTTLE_TEST, SAME_MOMENT_TEST],
  },
  {
    name: 'proof-used-up-by-a-bad-request',
    file: ACTION,
    from: `      const problem = (await rule.check?.(parsed.value, context)) ?? null;
      if (problem !== null) return { ok: false, error: problem };
      const stepUp = (await rule.needed?.(parsed.value, context)) ?? true;
      const refused = stepUp ? await refusal(context, rule.purpose(parsed.value), proof.value) : null;
      if (refused !== null) return { ok: false, error: refused };`,
    to: `      const stepUp = (await rule.needed?.(parsed.value, context)) ?? true;
      const refused = stepUp ? await refusal(context, rule.purpose(parsed.value), proof.value) : null;
      if (refused !== null) return { ok: false, error: refused };
      const problem = (await rule.check?.(parsed.value, context)) ?? null;
      if (problem !== null) return { ok: false, error: problem };`,
    why: 'a request that was refused for another reason has used up the code',
    tests: [ACTION_TEST],
  },
  {
    name: 'permission-of-one-host-enough',
    file: ACTION,
    from: 'concerned.every((hostId) => mayOf(session, each, hostId))',
    to: 'concerned.some((hostId) => mayOf(session, each, hostId))',
    why: 'a request for an allowed host carries a forbidden one with it',
    tests: [ACTION_TEST],
  },
  {
    name: 'action-without-a-session',
    file: ACTION,
    from: `      if (context === null) return SIGNED_OUT;
      const parsed = parse(schema, input);
      if (!parsed.ok) return parsed;
      const denied = await denial(permission, parsed.value, context);
      return`,
    to: `      const parsed = parse(schema, input);
      if (!parsed.ok) return parsed;
      const denied = context === null ? null : await denial(permission, parsed.value, context);
      return`,
    why: 'anybody changes the fleet',
    tests: [ACTION_TEST],
  },
  {
    name: 'wrong-proof-accepted',
    file: ACTION,
    from: "return { kind: 'step-up-refused', asksFor };",
    to: 'return null;',
    why: 'any code reboots the fleet',
    tests: [ACTION_TEST],
  },
  {
    name: 'proofs-from-many-sessions',
    file: 'lib/auth/operator/step-up.ts',
    from: '      accountBucket(kind, userId),\n',
    to: '',
    why: 'two stolen sessions guess twice as many codes',
    tests: [STEP_UP_TEST],
  },
  {
    name: 'session-never-expires',
    file: SESSIONS,
    from: 'if (at >= stored.expiresAt || at - stored.lastSeenAt >= idleMs) return null;',
    to: 'if (at - stored.lastSeenAt >= idleMs) return null;',
    why: 'a stolen cookie works for ever',
    tests: [SIGN_IN_TEST],
  },
  {
    name: 'idle-session-stays',
    file: SESSIONS,
    from: 'if (at >= stored.expiresAt || at - stored.lastSeenAt >= idleMs) return null;',
    to: 'if (at >= stored.expiresAt) return null;',
    why: 'a session that nobody uses stays valid',
    tests: [SIGN_IN_TEST],
  },
  {
    name: 'revoked-session-valid',
    file: SESSIONS,
    from: 'if (stored === null || stored.revokedAt !== null || ended.has(stored.idHash)) return null;',
    to: 'if (stored === null) return null;',
    why: 'a session works after its operator signed out',
    tests: [SIGN_IN_TEST, SESSION_END_TEST],
  },
  {
    name: 'session-ended-during-its-look-up',
    file: SESSIONS,
    from: 'return ended.has(session.idHash) ? null : session;',
    to: 'return session;',
    why: 'a look-up from before the end admits a request after it',
    tests: [SIGN_IN_TEST, SAME_MOMENT_TEST, SESSION_END_TEST],
  },
  {
    name: 'session-id-stored',
    file: SESSIONS,
    from: 'export const sessionIdHash = (sessionId: string): string => sha256Hex(sessionId);',
    to: 'export const sessionIdHash = (sessionId: string): string => (sha256Hex(sessionId), sessionId);',
    why: 'a copy of the database signs in',
    tests: [SIGN_IN_TEST],
  },
  {
    name: 'forged-device-cookie',
    file: DEVICE,
    from: "if (!timingSafeEqual(mac(deviceId, issuedAt, userId), Buffer.from(given, 'base64url'))) return null;",
    to: "if (timingSafeEqual(Buffer.alloc(32), Buffer.from(given, 'base64url'))) return null;",
    why: 'every guess comes from a known browser of its own',
    tests: [DEVICE_TEST],
  },
  {
    name: 'old-device-cookie',
    file: DEVICE,
    from: 'return age >= 0 && age < MAX_AGE_MS ? deviceId : null;',
    to: 'return age >= 0 ? deviceId : null;',
    why: 'a browser stays known for ever',
    tests: [DEVICE_TEST],
  },
  {
    name: 'code-used-up-by-a-wrong-password',
    file: CREATE,
    from: 'credentials.checkSecondFactor(OPERATOR.id, secret, attempt.code, right)',
    to: 'credentials.checkSecondFactor(OPERATOR.id, secret, attempt.code, true)',
    why: 'somebody who sees a code can use it up without the password',
    tests: [SIGN_IN_TEST],
  },
  {
    name: 'second-factor-not-required',
    file: CREATE,
    from: "if (right && factor === null) return refused(attempt, 'code');",
    to: "if (right && factor === null && attempt.code !== '') return refused(attempt, 'code');",
    why: 'the password alone signs in',
    tests: [SIGN_IN_TEST],
  },
  {
    name: 'unreadable-second-factor-ignored',
    file: CREDENTIALS,
    from: 'if (stored === null) return null;\n      const secret = decrypt(totpKey, stored, totpContext(userId));\n      if (secret !== null) return secret;',
    to: 'if (stored === null) return null;\n      const secret = decrypt(totpKey, stored, totpContext(userId));\n      if (secret === null || secret.length > 0) return secret;',
    why: 'a lost key removes the second factor',
    tests: [ACCOUNT_TEST, 'lib/auth/operator/setup.test.ts', SIGN_IN_TEST],
  },
  {
    name: 'sessions-outlive-a-new-password',
    file: 'lib/auth/operator/account.ts',
    from: 'const endedSessions = await sessions.endOthers(session);',
    to: 'const endedSessions = 0;',
    why: 'an intruder stays signed in after the password was changed',
    tests: [ACCOUNT_TEST],
  },
  {
    name: 'token-never-expires',
    file: TOKENS,
    from: 'if (record.revokedAt !== null || (record.expiresAt !== null && record.expiresAt <= now())) return false;',
    to: 'if (record.revokedAt !== null) return false;',
    why: 'a replaced token stays valid',
    tests: ACCESS_TESTS,
  },
  {
    name: 'token-stored-in-clear-text',
    file: TOKENS,
    from: 'export const secretHash = sha256Hex;',
    to: 'export const secretHash = (secret: string): string => (sha256Hex(secret), secret);',
    why: 'a copy of the database connects as every host',
    tests: ACCESS_TESTS,
  },
  {
    name: 'revoked-token-in-memory',
    file: TOKENS,
    from: '        memory.remove(id);\n        return record;',
    to: '        return record;',
    why: 'a revoked token works until the next restart',
    tests: ACCESS_TESTS,
  },
  {
    name: 'version-1-token-without-its-secret',
    file: TOKENS,
    from: "return record.scheme === 'sha256' || v1HashSecret !== null;",
    to: 'return true;',
    why: 'tokens of version 1 count although the operator has ended them',
    tests: ACCESS_TESTS,
  },
  {
    name: 'code-for-two-hosts',
    file: CODES,
    from: 'return enrolments.run(() => enrolWith(codeHash, hostName, address));',
    to: 'return enrolWith(codeHash, hostName, address);',
    why: 'an enrolment code that is used twice at once creates two hosts',
    tests: ACCESS_TESTS,
  },
  {
    name: 'code-of-another-host',
    file: CODES,
    from: 'if (code.hostName !== null && code.hostName !== hostName) {',
    to: "if (code.hostName === '') {",
    why: 'a code for one host replaces the token of another one',
    tests: ACCESS_TESTS,
  },
  {
    name: 'shared-token-after-it-was-disabled',
    file: 'lib/auth/agents/agent-access.ts',
    from: "if (settings.rule('sharedToken').value) return { kind: 'known', identity: { kind: 'shared' } };",
    to: "if (settings.rule('sharedToken').value || address !== '') return { kind: 'known', identity: { kind: 'shared' } };",
    why: 'whoever knows the shared token still connects',
    tests: ACCESS_TESTS,
  },
  {
    name: 'unlock-without-addresses',
    file: 'lib/store/sqlite/auth-store.ts',
    from: "|| ':'`",
    to: "|| ':account:'`",
    why: 'whoever guesses from the operator’s address keeps the operator out after an unlock',
    tests: ['lib/store/contract/auth-store.test.ts', 'cli/unlock.test.ts'],
  },
];
