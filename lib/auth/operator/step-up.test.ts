import { afterEach, describe, expect, it } from 'vitest';
import { decodeBase32 } from './base32';
import type { Session } from './auth-service';
import { codeAt, makeAuth, otherCode, PASSWORD, PASSWORD_HASH, type TestAuth } from '../testing/auth';

const STEP_MS = 30_000;
const SECRET = decodeBase32('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP')!;

let open: TestAuth[] = [];
afterEach(() => {
  for (const one of open) one.close();
  open = [];
});

/** Signed in, a step after the code for that was used. */
async function signedIn(settings: Parameters<typeof makeAuth>[0] = {}) {
  const made = await makeAuth({ passwordHash: PASSWORD_HASH, ...settings });
  open.push(made);
  const code = settings.totpSecret ? await codeAt(settings.totpSecret, made.clock.now) : '';
  const signIn = await made.auth.signIn({
    password: PASSWORD,
    code,
    address: '203.0.113.9',
    userAgent: 'a browser',
    cookies: null,
  });
  if (signIn.kind !== 'signed-in') throw new Error(signIn.kind);
  made.clock.now += STEP_MS;
  made.events.length = 0;
  const { session } = signIn;
  const prove = (proof: string, address = '203.0.113.9', who: Session = session) =>
    made.auth.stepUp({ session: who, proof, purpose: 'Reboot on h1', address });
  return { ...made, session, prove, signInCode: code };
}

describe('a step-up proof', () => {
  it('is a code when a second factor is set up: not the password, not an empty text, not the sign-in code', async () => {
    const { auth, clock, prove, session, signInCode } = await signedIn({ totpSecret: SECRET, rateLimit: 1_000 });
    expect(await auth.stepUpAsksFor(session.userId)).toBe('code');
    for (const wrong of ['', ' ', PASSWORD, signInCode, 'x'.repeat(5_000)]) {
      expect(await prove(wrong)).toEqual({ kind: 'refused' });
    }
    expect(await prove(await codeAt(SECRET, clock.now))).toEqual({ kind: 'proven' });
  });

  it('is valid for one request, also across a restart', async () => {
    const { clock, prove, restart, session } = await signedIn({ totpSecret: SECRET });
    const code = await codeAt(SECRET, clock.now);
    const late = await codeAt(SECRET, clock.now - STEP_MS);
    expect((await prove(code)).kind).toBe('proven');
    expect((await prove(code)).kind).toBe('refused');
    expect((await prove(late)).kind).toBe('refused');
    const again = await (await restart()).stepUp({ session, proof: code, purpose: 'again', address: '203.0.113.9' });
    expect(again.kind).toBe('refused');
  });

  it('is the password when there is no second factor', async () => {
    const { auth, prove, session } = await signedIn();
    expect(await auth.stepUpAsksFor(session.userId)).toBe('password');
    expect((await prove('wrong')).kind).toBe('refused');
    expect((await prove(PASSWORD)).kind).toBe('proven');
  });

  it('belongs to the user of the session', async () => {
    const { prove, session } = await signedIn();
    expect((await prove(PASSWORD, '203.0.113.9', { ...session, userId: 'somebody-else' })).kind).toBe('refused');
  });

  it('is recorded with user, address and purpose, as is a refusal; the proof itself never is', async () => {
    const { clock, events, prove, session } = await signedIn({ totpSecret: SECRET });
    const code = await codeAt(SECRET, clock.now);
    await prove(otherCode(code, await codeAt(SECRET, clock.now + STEP_MS)), '198.51.100.4');
    await prove(code);
    expect(events).toMatchObject([
      { action: 'auth.step-up.refused', userId: session.userId, address: '198.51.100.4', outcome: 'refused' },
      { action: 'auth.step-up', userId: session.userId, params: { purpose: 'Reboot on h1', how: 'totp' } },
    ]);
    expect(JSON.stringify(events)).not.toContain(code);
  });
});

describe('the limit on step-up proofs', () => {
  it('defeats 10,000 guesses from many addresses, and is shared by all purposes', async () => {
    const { auth, clock, session } = await signedIn({ totpSecret: SECRET });
    let tried = 0;
    for (let guess = 0; guess < 10_000; guess += 1) {
      const result = await auth.stepUp({
        session,
        proof: String(guess).padStart(6, '0'),
        purpose: `purpose ${guess % 7}`,
        address: `198.51.${guess >> 8}.${guess & 255}`,
      });
      expect(result.kind).not.toBe('proven');
      if (result.kind !== 'throttled') tried += 1;
      clock.now += 100;
    }
    // A thousand seconds: five free, then after waits of 1, 2, 4 … 512 seconds.
    expect(tried).toBeLessThan(16);
  });

  it('is shared by all sessions of a user, whatever their browsers and addresses', async () => {
    const { prove, session } = await signedIn({ totpSecret: SECRET });
    const guess = (number: number) =>
      prove('nothing', `198.51.100.${number}`, {
        ...session,
        idHash: `session-${number}`,
        deviceId: `device-${number}`,
      });
    for (let free = 0; free < 5; free += 1) expect((await guess(free)).kind).toBe('refused');
    expect((await guess(5)).kind).toBe('throttled');
  });

  it('does not restore free attempts every minute, counts concurrent attempts individually, and is cleared by a correct one', async () => {
    const { clock, prove } = await signedIn({ totpSecret: SECRET });
    const many = await Promise.all(Array.from({ length: 20 }, () => prove('nothing')));
    expect(many.filter(({ kind }) => kind === 'refused')).toHaveLength(5);
    clock.now += 60_000;
    expect((await prove('nothing')).kind).toBe('refused');
    expect((await prove('nothing')).kind).toBe('throttled');
    clock.now += 2_000;
    expect((await prove(await codeAt(SECRET, clock.now))).kind).toBe('proven');
    for (let free = 0; free < 5; free += 1) expect((await prove('nothing')).kind).toBe('refused');
  });

  it('does not block signing in', async () => {
    const { auth, clock, prove } = await signedIn({ totpSecret: SECRET });
    for (let guess = 0; guess < 10; guess += 1) await prove('nothing');
    const code = await codeAt(SECRET, clock.now);
    const attempt = { password: PASSWORD, code, address: '203.0.113.9', userAgent: '', cookies: null };
    expect((await auth.signIn(attempt)).kind).toBe('signed-in');
  });
});
