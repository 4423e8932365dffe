/** What must happen once, asked for by many requests at the same moment, on a store that answers in random order. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Auth } from './create-auth';
import { decodeBase32 } from './base32';
import type { Session, SignInResult } from './auth-service';
import { codeAt, makeAuth, PASSWORD, PASSWORD_HASH, type TestAuth } from '../testing/auth';
import { answerInRandomOrder } from '../testing/random-order';

const STEP_MS = 30_000;
const ADDRESS = '203.0.113.9';
const SECRET = decodeBase32('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP')!;

const kindsOf = (results: readonly { kind: string }[]) => {
  const counts: Record<string, number> = {};
  for (const { kind } of results) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
};
const times = <T>(count: number, work: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => work(index)));
function sessionOf(result: SignInResult): Session {
  if (result.kind !== 'signed-in') throw new Error(result.kind);
  return result.session;
}

describe.each([1, 2, 3, 4, 5])('requests at the same moment (seed %i)', (seed) => {
  let made: TestAuth | null = null;
  beforeEach(() => {
    made = null;
  });
  afterEach(() => made?.close());

  async function installation(settings: Parameters<typeof makeAuth>[0] = {}): Promise<TestAuth> {
    made = await makeAuth(settings, (direct) => answerInRandomOrder(direct, seed));
    return made;
  }
  const signIn = (auth: Auth, more: { password?: string; code?: string } = {}) =>
    auth.signIn({ password: PASSWORD, code: '', address: ADDRESS, userAgent: '', cookies: null, ...more });

  it('with wrong passwords: only the free attempts are made', async () => {
    const { auth } = await installation({ passwordHash: PASSWORD_HASH });
    const results = await times(50, () => signIn(auth, { password: 'wrong' }));
    expect(kindsOf(results)).toEqual({ refused: 5, throttled: 45 });
  });

  it('with the right password and wrong codes: only the free attempts are made', async () => {
    const { auth } = await installation({ passwordHash: PASSWORD_HASH, totpSecret: SECRET });
    const results = await times(50, () => signIn(auth, { code: 'nothing' }));
    expect(kindsOf(results)).toEqual({ refused: 5, throttled: 45 });
  });

  it('with one code of the app: one signs in', async () => {
    const { auth, clock } = await installation({ passwordHash: PASSWORD_HASH, totpSecret: SECRET, rateLimit: 1_000 });
    const code = await codeAt(SECRET, clock.now);
    expect(kindsOf(await times(8, () => signIn(auth, { code })))).toEqual({ 'signed-in': 1, refused: 7 });
  });

  it('with one step-up proof: one is proven, and only the free attempts are made', async () => {
    const { auth, clock } = await installation({ passwordHash: PASSWORD_HASH, totpSecret: SECRET, rateLimit: 8 });
    const session = sessionOf(await signIn(auth, { code: await codeAt(SECRET, clock.now) }));
    clock.now += STEP_MS;
    const proof = await codeAt(SECRET, clock.now);
    const prove = () => auth.stepUp({ session, proof, purpose: 'a test', address: ADDRESS });
    expect(kindsOf(await times(8, prove))).toEqual({ proven: 1, refused: 7 });
    const wrong = () => auth.stepUp({ session, proof: 'nothing', purpose: 'a test', address: ADDRESS });
    clock.now += 8 * 24 * 3_600_000;
    expect(kindsOf(await times(50, wrong))).toEqual({ refused: 8, throttled: 42 });
  });

  it('with one recovery code: one signs in', async () => {
    const { auth, clock } = await installation({ passwordHash: PASSWORD_HASH, totpSecret: SECRET, rateLimit: 1_000 });
    const session = sessionOf(await signIn(auth, { code: await codeAt(SECRET, clock.now) }));
    const { recoveryCodes } = await auth.account.renewRecoveryCodes({ session, address: ADDRESS });
    const code = recoveryCodes[0] ?? '';
    expect(kindsOf(await times(8, () => signIn(auth, { code })))).toEqual({ 'signed-in': 1, refused: 7 });
  });

  it('that set up the dashboard: one does, and its password is the one that works', async () => {
    const { auth, clock, events } = await installation({ rateLimit: 1_000 });
    const setupCode = (await auth.setupCode()) ?? '';
    const passwords = Array.from({ length: 4 }, (_, index) => `${PASSWORD} ${index}`);
    const secrets: string[] = [];
    const results = await Promise.all(
      passwords.map(async (password, index) => {
        const secret = (await auth.offerSetup(setupCode, ADDRESS))?.secret ?? '';
        secrets[index] = secret;
        const code = await codeAt(secret, clock.now);
        return auth.completeSetup({ setupCode, password, secret, code, address: ADDRESS });
      }),
    );
    expect(kindsOf(results)).toEqual({ done: 1, refused: 3 });
    expect(events.filter(({ action }) => action === 'auth.setup')).toHaveLength(1);
    const winner = results.findIndex(({ kind }) => kind === 'done');
    clock.now += STEP_MS;
    const code = await codeAt(secrets[winner] ?? '', clock.now);
    expect((await signIn(auth, { password: passwords[winner], code })).kind).toBe('signed-in');
  });

  it('that end a session: one does, with one event and one notification', async () => {
    const { auth, events } = await installation({ passwordHash: PASSWORD_HASH });
    const session = sessionOf(await signIn(auth));
    const ended: string[] = [];
    auth.onSessionEnd((idHash) => ended.push(idHash));
    await times(5, () => auth.signOut(session.idHash, ADDRESS));
    expect(ended).toEqual([session.idHash]);
    expect(events.filter(({ action }) => action === 'auth.sign-out')).toHaveLength(1);
  });

  it('that use a session while it ends: none is answered with it after its end was reported', async () => {
    const { auth, clock } = await installation({ passwordHash: PASSWORD_HASH });
    const session = sessionOf(await signIn(auth));
    clock.now += 3_600_000;
    let hasEnded = false;
    auth.onSessionEnd(() => {
      hasEnded = true;
      expect(auth.hasEnded(session.idHash)).toBe(true);
    });
    const late: unknown[] = [];
    const use = async () => {
      const found = await auth.stillValid(session.idHash);
      if (hasEnded && !auth.hasEnded(session.idHash)) late.push(found);
      if (hasEnded && found !== null) late.push(found);
    };
    await Promise.all([times(20, use), auth.signOut(session.idHash, ADDRESS), times(20, use)]);
    expect(hasEnded).toBe(true);
    expect(late).toEqual([]);
    expect(await auth.stillValid(session.idHash)).toBeNull();
  });
});
