import { readFileSync } from 'node:fs';
import { encode } from 'next-auth/jwt';
import { afterEach, describe, expect, it } from 'vitest';
import { createAuthStore } from '@/lib/store/sqlite/auth-store';
import { answerLater } from '@/lib/store/sqlite/later';
import { decodeBase32 } from './base32';
import { deriveKey } from '../encryption';
import type { SignInAttempt } from './auth-service';
import { codeAt, makeAuth, otherCode, PASSWORD, PASSWORD_HASH, SECRETS, type TestAuth } from '../testing/auth';
import { sessionIdHash } from './sessions';

const STEP_MS = 30_000;
const HOUR_MS = 3_600_000;
const SECRET = decodeBase32('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP')!;

let open: TestAuth[] = [];
afterEach(() => {
  for (const one of open) one.close();
  open = [];
});

async function installation(settings: Parameters<typeof makeAuth>[0] = {}): Promise<TestAuth> {
  const made = await makeAuth({ passwordHash: PASSWORD_HASH, ...settings });
  open.push(made);
  return made;
}
const attempt = (more: Partial<SignInAttempt> = {}): SignInAttempt => ({
  password: PASSWORD,
  code: '',
  address: '203.0.113.9',
  userAgent: 'a browser',
  cookies: null,
  ...more,
});
async function cookieFor(sessionId: unknown, secret: string, maxAge = 3_600): Promise<string> {
  return `other=1; nixfleet.session=${await encode({ token: { sid: sessionId }, secret, maxAge })}`;
}

describe('the password', () => {
  it('admits only with the right password', async () => {
    const { auth, events } = await installation();
    expect(await auth.requiresTotp()).toBe(false);
    expect(await auth.signIn(attempt({ password: 'wrong' }))).toEqual({ kind: 'refused' });
    expect(await auth.signIn(attempt({ password: '' }))).toEqual({ kind: 'refused' });
    expect(await auth.signIn(attempt({ password: PASSWORD.padEnd(2_000, 'x') }))).toEqual({ kind: 'refused' });
    expect(await auth.signIn(attempt())).toMatchObject({ kind: 'signed-in', session: { userName: 'operator' } });
    expect(events.map(({ action }) => action)).toEqual([
      ...Array<string>(3).fill('auth.sign-in.refused'),
      'auth.sign-in',
    ]);
    expect(JSON.stringify(events)).not.toContain(PASSWORD);
  });

  it.each(['2a', '2b', '2y'])('may be hashed with $%s$', async (version) => {
    const { auth } = await installation({ passwordHash: PASSWORD_HASH.replace(/^\$2.\$/, `$${version}$`) });
    expect(await auth.signIn(attempt())).toMatchObject({ kind: 'signed-in' });
  });

  it('admits nobody when none is set', async () => {
    const { auth } = await installation({ passwordHash: null });
    expect(await auth.signIn(attempt({ password: '' }))).toEqual({ kind: 'refused' });
  });
});

describe('the second factor', () => {
  const withTotp = () => installation({ totpSecret: SECRET });

  it('is required, and refused in every malformed shape', async () => {
    const { auth, clock } = await installation({ totpSecret: SECRET, rateLimit: 1_000 });
    expect(await auth.requiresTotp()).toBe(true);
    const right = await codeAt(SECRET, clock.now);
    const wide = right.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
    const near = [await codeAt(SECRET, clock.now - STEP_MS), await codeAt(SECRET, clock.now + STEP_MS)];
    for (const code of ['', ' ', right.slice(1), `${right}0`, wide, '-12345', 'NaN', otherCode(right, ...near)]) {
      expect(await auth.signIn(attempt({ code }))).toEqual({ kind: 'refused' });
    }
    expect(await auth.signIn(attempt({ code: right, password: 'wrong' }))).toEqual({ kind: 'refused' });
    expect(await auth.signIn(attempt({ code: ` ${right.slice(0, 3)} ${right.slice(3)} ` }))).toMatchObject({
      kind: 'signed-in',
    });
  });

  it.each([
    ['two steps early', 2, 'refused'],
    ['one step early', 1, 'signed-in'],
    ['in time', 0, 'signed-in'],
    ['one step late', -1, 'signed-in'],
    ['two steps late', -2, 'refused'],
  ])('takes a code %s: %i → %s', async (_case, steps, kind) => {
    const { auth, clock } = await withTotp();
    const code = await codeAt(SECRET, clock.now + steps * STEP_MS);
    expect(await auth.signIn(attempt({ code }))).toMatchObject({ kind });
  });

  it('accepts a code once, also across a restart, and no older one after it', async () => {
    const { auth, clock, restart } = await withTotp();
    const before = await codeAt(SECRET, clock.now - STEP_MS);
    const code = await codeAt(SECRET, clock.now);
    expect(await auth.signIn(attempt({ code }))).toMatchObject({ kind: 'signed-in' });
    expect(await auth.signIn(attempt({ code }))).toEqual({ kind: 'refused' });
    expect(await (await restart()).signIn(attempt({ code }))).toEqual({ kind: 'refused' });
    expect(await auth.signIn(attempt({ code: before }))).toEqual({ kind: 'refused' });
    clock.now += STEP_MS;
    expect(await auth.signIn(attempt({ code: await codeAt(SECRET, clock.now) }))).toMatchObject({ kind: 'signed-in' });
  });

  it('does not use up a code with a wrong password', async () => {
    const { auth, clock } = await withTotp();
    const code = await codeAt(SECRET, clock.now);
    expect(await auth.signIn(attempt({ code, password: 'wrong' }))).toEqual({ kind: 'refused' });
    expect(await auth.signIn(attempt({ code }))).toMatchObject({ kind: 'signed-in' });
  });

  it('admits exactly one of many concurrent sign-ins with one code', async () => {
    const { auth, clock } = await installation({ totpSecret: SECRET, rateLimit: 1_000 });
    const code = await codeAt(SECRET, clock.now);
    const results = await Promise.all(Array.from({ length: 8 }, () => auth.signIn(attempt({ code }))));
    expect(results.filter(({ kind }) => kind === 'signed-in')).toHaveLength(1);
    expect(results.filter(({ kind }) => kind === 'refused')).toHaveLength(7);
  });

  it('accepts the short secrets of old installations, and those with left-over bits', async () => {
    for (const text of ['JBSWY3DPEHPK3PXP', 'JBSWY3DPEH', 'JBSW']) {
      const secret = decodeBase32(text)!;
      const { auth, clock } = await installation({ totpSecret: secret });
      const { createGuardrails, generate } = await import('otplib');
      const guardrails = createGuardrails({ MIN_SECRET_BYTES: 1 });
      const code = await generate({ secret, epoch: Math.floor(clock.now / 1_000), guardrails });
      expect(await auth.signIn(attempt({ code }))).toMatchObject({ kind: 'signed-in' });
    }
  });
});

describe('limits', () => {
  it('defeat 10,000 guesses of the code from many addresses', async () => {
    const { auth, clock, database } = await installation({ totpSecret: SECRET });
    let tried = 0;
    for (let guess = 0; guess < 10_000; guess += 1) {
      const address = `198.51.${guess >> 8}.${guess & 255}`;
      const code = String(guess).padStart(6, '0');
      const result = await auth.signIn(attempt({ address, code }));
      expect(result.kind).not.toBe('signed-in');
      if (result.kind !== 'throttled') tried += 1;
      clock.now += 100;
    }
    // A thousand seconds: five free, then after waits of 1, 2, 4 … 512 seconds.
    expect(tried).toBeLessThan(16);
    const store = createAuthStore(database.db);
    expect(store.throttles(['totp:account:operator'])[0]?.failures).toBe(tried);
  });

  it('count concurrent guesses individually', async () => {
    const { auth } = await installation();
    const results = await Promise.all(Array.from({ length: 50 }, () => auth.signIn(attempt({ password: 'wrong' }))));
    expect(results.filter(({ kind }) => kind === 'refused')).toHaveLength(5);
  });

  it('double the wait after each failure, up to 15 minutes, across a restart, and are cleared by a correct sign-in', async () => {
    const { auth, clock, restart } = await installation();
    const wrong = attempt({ password: 'wrong' });
    for (let free = 0; free < 5; free += 1) expect((await auth.signIn(wrong)).kind).toBe('refused');
    const waits: number[] = [];
    for (let more = 0; more < 13; more += 1) {
      const blocked = await (await restart()).signIn(attempt());
      if (blocked.kind !== 'throttled') throw new Error(`not throttled but ${blocked.kind}`);
      waits.push(blocked.retryAfterMs / 1_000);
      clock.now += blocked.retryAfterMs;
      expect((await auth.signIn(wrong)).kind).toBe('refused');
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    clock.now += 900_000;
    expect((await auth.signIn(attempt())).kind).toBe('signed-in');
    for (let free = 0; free < 5; free += 1) expect((await auth.signIn(wrong)).kind).toBe('refused');
  });

  it('reset for wrong passwords with each window, but not for wrong codes', async () => {
    const password = await installation();
    const code = await installation({ totpSecret: SECRET });
    const kinds: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      for (let guess = 0; guess < 4; guess += 1) {
        expect((await password.auth.signIn(attempt({ password: 'wrong' }))).kind).toBe('refused');
        kinds.push((await code.auth.signIn(attempt({ code: '' }))).kind);
      }
      password.clock.now += 60_000;
      code.clock.now += 600;
    }
    expect(kinds.filter((kind) => kind === 'refused')).toHaveLength(5);
  });

  it('count codes only after the right password, and do not count a correct sign-in', async () => {
    const { auth, clock, database } = await installation({ totpSecret: SECRET });
    const store = createAuthStore(database.db);
    await auth.signIn(attempt({ password: 'wrong', code: '000000' }));
    expect(store.throttles(['totp:account:operator'])[0]).toBeNull();
    expect(store.throttles(['password:account:operator'])[0]?.failures).toBe(1);
    await auth.signIn(attempt({ code: await codeAt(SECRET, clock.now) }));
    expect(store.throttles(['password:account:operator'])[0]).toBeNull();
    expect(store.throttles(['totp:account:operator'])[0]).toBeNull();
    expect(store.throttles(['password:address:203.0.113.9'])[0]).toBeNull();
  });

  it('let an operator with a recovery code in while strangers’ failures block sign-in, and are cleared by that', async () => {
    const { auth, clock } = await installation({ totpSecret: SECRET });
    const signedIn = await auth.signIn(attempt({ code: await codeAt(SECRET, clock.now) }));
    if (signedIn.kind !== 'signed-in') throw new Error(signedIn.kind);
    const made = await auth.account.renewRecoveryCodes({ session: signedIn.session, address: '' });
    const [one = '', two = ''] = made.recoveryCodes;
    const blockSignIn = async () => {
      for (let number = 0; number < 8; number += 1) {
        await auth.signIn(attempt({ password: 'wrong', address: `198.51.100.${number}` }));
        clock.now += 1_000;
      }
    };
    await blockSignIn();
    const own = attempt({ address: '192.0.2.1' });
    const totp = await codeAt(SECRET, clock.now + STEP_MS);
    expect(await auth.signIn({ ...own, code: totp })).toMatchObject({ kind: 'throttled' });
    expect(await auth.signIn({ ...own, code: 'ABCD-EFGH-IJKL-MNOP' })).toMatchObject({ kind: 'throttled' });
    expect(await auth.signIn({ ...own, code: one, password: 'wrong' })).toEqual({ kind: 'refused' });
    expect(await auth.signIn({ ...own, code: one })).toMatchObject({ kind: 'signed-in' });
    // Used up; and nobody is blocked any more.
    clock.now += STEP_MS;
    expect(await auth.signIn({ ...own, code: await codeAt(SECRET, clock.now) })).toMatchObject({ kind: 'signed-in' });
    await blockSignIn();
    expect(await auth.signIn({ ...own, code: one })).toMatchObject({ kind: 'throttled' });
    // Guesses of the password with a stolen recovery code are limited, too.
    const guesses = [];
    for (let number = 0; number < 7; number += 1) {
      guesses.push((await auth.signIn({ ...own, code: two, password: `guess ${number}` })).kind);
    }
    expect(guesses).toEqual([...Array<string>(5).fill('refused'), 'throttled', 'throttled']);
  });

  it('keep a bounded table', async () => {
    const { database, clock } = await installation();
    const store = createAuthStore(database.db);
    const row = { failures: 1, blockedUntil: 0 };
    const at = (bucket: string, lastAt: number) => ({
      bucket,
      from: null,
      to: { bucket, ...row, firstAt: lastAt, lastAt },
    });
    store.changeThrottles([
      at('password:account:operator', clock.now - 50),
      ...Array.from({ length: 30 }, (_, index) => at(`password:address:${index}`, clock.now - index)),
      at('password:address:old', clock.now - 1_000),
    ]);
    store.pruneThrottles(clock.now - 100, 10);
    expect(store.throttles(['password:account:operator'])[0]).not.toBeNull();
    expect(store.throttles(['password:address:9'])[0]).not.toBeNull();
    expect(store.throttles(['password:address:10'])[0]).toBeNull();
    expect(store.throttles(['password:address:old'])[0]).toBeNull();
  });
});

describe('sessions', () => {
  async function signedIn(settings: Parameters<typeof makeAuth>[0] = {}) {
    const made = await installation(settings);
    const result = await made.auth.signIn(attempt());
    if (result.kind !== 'signed-in') throw new Error(result.kind);
    return { ...made, ...result, cookie: await cookieFor(result.sessionId, made.auth.cookieSecret) };
  }

  it('are found by their cookie, and the id is stored nowhere', async () => {
    const { auth, cookie, session, sessionId, database } = await signedIn();
    expect(await auth.resolveSession(cookie)).toEqual(session);
    database.db.$client.pragma('wal_checkpoint(TRUNCATE)');
    const file = readFileSync(database.path, 'latin1');
    expect(file).toContain(sessionIdHash(sessionId));
    expect(file).not.toContain(sessionId);
  });

  it('end everywhere at once when they are revoked, with one notification', async () => {
    const { auth, cookie, session, events } = await signedIn();
    const ended: string[] = [];
    const stop = auth.onSessionEnd((idHash) => ended.push(idHash));
    await auth.signOut(session.idHash, '203.0.113.9');
    await auth.signOut(session.idHash, '203.0.113.9');
    await auth.signOut('no such session', '203.0.113.9');
    expect(ended).toEqual([session.idHash]);
    expect(events.filter(({ action }) => action === 'auth.sign-out')).toHaveLength(1);
    expect(await auth.resolveSession(cookie)).toBeNull();
    expect(await auth.stillValid(session.idHash)).toBeNull();
    stop();
  });

  it('end for a request that was looking one up, too', async () => {
    let during: (() => Promise<void>) | null = null;
    const made = await makeAuth({ passwordHash: PASSWORD_HASH }, (direct) => {
      const store = answerLater(direct);
      return {
        ...store,
        async touchSession(...args) {
          await store.touchSession(...args);
          await during?.();
        },
      };
    });
    open.push(made);
    const { auth, clock } = made;
    const result = await auth.signIn(attempt());
    if (result.kind !== 'signed-in') throw new Error(result.kind);
    const cookie = await cookieFor(result.sessionId, auth.cookieSecret);
    clock.now += 2 * 60_000;
    during = () => auth.signOut(result.session.idHash, '203.0.113.9');
    expect(await auth.resolveSession(cookie)).toBeNull();
  });

  it('end after their maximum duration', async () => {
    const { auth, cookie, session, clock } = await signedIn({ sessionDurationMs: 24 * HOUR_MS });
    for (let hour = 1; hour < 24; hour += 1) {
      clock.now += HOUR_MS;
      expect(await auth.resolveSession(cookie)).not.toBeNull();
    }
    clock.now += HOUR_MS;
    expect(await auth.resolveSession(cookie)).toBeNull();
    expect(await auth.stillValid(session.idHash)).toBeNull();
  });

  it('end without activity, and an open socket is not activity', async () => {
    const { auth, cookie, session, clock } = await signedIn();
    clock.now += 11 * HOUR_MS;
    expect(await auth.stillValid(session.idHash)).not.toBeNull();
    clock.now += HOUR_MS;
    expect(await auth.stillValid(session.idHash)).toBeNull();
    expect(await auth.resolveSession(cookie)).toBeNull();
  });

  it('stay valid while the database refuses writes, so that the operator can see the page that reports it', async () => {
    const { auth, clock, database } = await installation();
    const result = await auth.signIn(attempt());
    if (result.kind !== 'signed-in') throw new Error(result.kind);
    const cookie = await cookieFor(result.sessionId, auth.cookieSecret);
    clock.now += HOUR_MS;
    database.db.$client.pragma('query_only = ON');
    expect(await auth.resolveSession(cookie)).toMatchObject({ userName: 'operator' });
    database.db.$client.pragma('query_only = OFF');
    expect(await auth.resolveSession(cookie)).toMatchObject({ userName: 'operator' });
  });

  it('are null for every foreign cookie', async () => {
    const { auth, cookie, sessionId } = await signedIn();
    const forged = await cookieFor(sessionId, deriveKey('another secret', 'session-cookie').toString('base64url'));
    const raw = await cookieFor(sessionId, SECRETS.sessionSecret);
    const expired = await cookieFor(sessionId, auth.cookieSecret, -60);
    const unknown = await cookieFor('somebody', auth.cookieSecret);
    const odd = await cookieFor({ nested: true }, auth.cookieSecret);
    const changed = `${cookie.slice(0, -6)}AAAAAA`;
    const hostPrefixed = cookie.replace('nixfleet.session', '__Host-nixfleet.session');
    const nonsense = [
      '',
      'nixfleet.session',
      'nixfleet.session=',
      'nixfleet.session=%',
      `x=${'y'.repeat(20_000)}`,
      '=;;=',
    ];
    for (const header of [forged, raw, expired, unknown, odd, changed, hostPrefixed, ...nonsense, null, undefined]) {
      expect(await auth.resolveSession(header)).toBeNull();
    }
    expect(await auth.resolveSession(cookie)).not.toBeNull();
  });

  it('survive a restart, but not a new secret', async () => {
    const { cookie, restart } = await signedIn();
    expect(await (await restart()).resolveSession(cookie)).not.toBeNull();
    expect(await (await restart({}, { sessionSecret: 'a new one' })).resolveSession(cookie)).toBeNull();
  });

  it('have a prefixed cookie behind https', async () => {
    const { auth } = await installation({ baseUrl: 'https://fleet.example.org' });
    expect(auth).toMatchObject({ cookieName: '__Host-nixfleet.session', secureCookies: true });
    expect((await installation()).auth).toMatchObject({ cookieName: 'nixfleet.session', secureCookies: false });
  });
});
