import { afterEach, describe, expect, it } from 'vitest';
import type { AccountRequest } from './account';
import { decodeBase32 } from './base32';
import type { Session } from './auth-service';
import { codeAt, makeAuth, otherCode, PASSWORD, PASSWORD_HASH, type TestAuth } from '../testing/auth';

const STEP_MS = 30_000;
const SECRET = decodeBase32('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP')!;
const NEW_PASSWORD = 'another correct horse';
const ADDRESS = '203.0.113.9';

let open: TestAuth[] = [];
afterEach(() => {
  for (const one of open) one.close();
  open = [];
});

/** Where the browser set the password and nothing else. */
async function withStoredPassword(settings: Parameters<typeof makeAuth>[0] = {}) {
  const made = await makeAuth({ ...settings, totpSecret: SECRET });
  open.push(made);
  const setupCode = await made.auth.setupCode();
  await made.auth.completeSetup({ setupCode: setupCode ?? '', password: PASSWORD, secret: '', code: '', address: '' });
  // Without the second factor that set-up wanted.
  const auth = await made.restart({ totpSecret: null });
  return { ...made, auth };
}

async function configured(settings: Parameters<typeof makeAuth>[0] = {}): Promise<TestAuth> {
  const made = await makeAuth({ passwordHash: PASSWORD_HASH, ...settings });
  open.push(made);
  return made;
}

async function signIn({ auth }: Pick<TestAuth, 'auth'>, code = '', password = PASSWORD): Promise<Session> {
  const result = await auth.signIn({ password, code, address: ADDRESS, userAgent: 'a browser', cookies: null });
  if (result.kind !== 'signed-in') throw new Error(result.kind);
  return result.session;
}

async function enrol({ auth, clock }: Pick<TestAuth, 'auth' | 'clock'>, session: Session) {
  const { secret } = auth.account.offerSecondFactor();
  const code = await codeAt(secret, clock.now);
  const result = await auth.account.enrolSecondFactor({ session, address: ADDRESS, secret, code });
  if ('kind' in result) throw new Error(JSON.stringify(result));
  return { secret, code, ...result };
}

describe('the password', () => {
  it('can be changed with the current one; the other sessions end, and the old one no longer works', async () => {
    const made = await withStoredPassword();
    const { auth, events } = made;
    const session = await signIn(made);
    const other = await signIn(made);
    const ended: string[] = [];
    auth.onSessionEnd((idHash) => ended.push(idHash));
    const request: AccountRequest = { session, address: ADDRESS };
    expect(
      await auth.account.passwordChangeProblem({ ...request, current: 'wrong', password: NEW_PASSWORD }),
    ).toMatchObject({ kind: 'refused', field: 'current' });
    expect(
      await auth.account.passwordChangeProblem({ ...request, current: PASSWORD, password: 'short' }),
    ).toMatchObject({ kind: 'refused', field: 'password' });
    expect(
      await auth.account.passwordChangeProblem({ ...request, current: PASSWORD, password: NEW_PASSWORD }),
    ).toBeNull();
    expect(await auth.account.changePassword({ ...request, password: NEW_PASSWORD })).toMatchObject({
      endedSessions: 1,
    });
    expect(ended).toEqual([other.idHash]);
    expect(await auth.stillValid(session.idHash)).not.toBeNull();
    expect(await auth.stillValid(other.idHash)).toBeNull();
    await expect(signIn(made)).rejects.toThrow('refused');
    await signIn(made, '', NEW_PASSWORD);
    expect(events.find(({ action }) => action === 'auth.password.changed')).toMatchObject({ userId: 'operator' });
    expect(JSON.stringify(events)).not.toMatch(new RegExp(`${PASSWORD}|${NEW_PASSWORD}`));
  });

  it('is stored as argon2id', async () => {
    const made = await withStoredPassword();
    await made.auth.account.changePassword({ session: await signIn(made), address: ADDRESS, password: NEW_PASSWORD });
    const row = made.database.db.$client.prepare('SELECT password_hash FROM users').get();
    expect(JSON.stringify(row)).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
  });

  it('can’t be guessed through a change: the limit on step-up proofs applies', async () => {
    const made = await withStoredPassword();
    const session = await signIn(made);
    const guess = () =>
      made.auth.account.passwordChangeProblem({ session, address: ADDRESS, current: 'no', password: NEW_PASSWORD });
    for (let free = 0; free < 5; free += 1) expect(await guess()).toMatchObject({ kind: 'refused' });
    expect(await guess()).toMatchObject({ kind: 'throttled' });
    const proof = { session, proof: PASSWORD, purpose: 'anything', address: ADDRESS };
    expect(await made.auth.stepUp(proof)).toMatchObject({ kind: 'throttled' });
  });

  it('does not clear failed codes when it is right, so knowing it gives no more attempts at the second factor', async () => {
    const made = await withStoredPassword();
    const { auth, clock } = made;
    const session = await signIn(made);
    const { secret } = await enrol(made, session);
    const near = await Promise.all([-1, 0, 1].map((steps) => codeAt(secret, clock.now + steps * STEP_MS)));
    const request = { session, address: ADDRESS };
    const outcomes = new Set<string>();
    for (let tries = 0; tries < 12; tries += 1) {
      await auth.account.passwordChangeProblem({ ...request, current: PASSWORD, password: NEW_PASSWORD });
      outcomes.add((await auth.stepUp({ ...request, proof: otherCode(...near), purpose: 'A new password' })).kind);
    }
    expect([...outcomes]).toEqual(['refused', 'throttled']);
  });

  it('set by the environment can’t be changed here', async () => {
    const made = await configured();
    const session = await signIn(made);
    expect((await made.auth.account.view(session.userId)).password).toBe('configured');
    expect(
      await made.auth.account.passwordChangeProblem({
        ...{ session, address: ADDRESS, current: PASSWORD, password: NEW_PASSWORD },
      }),
    ).toMatchObject({ kind: 'refused', field: 'form' });
  });
});

describe('the second factor', () => {
  it('can be set up beside a password of the environment: from then on signing in requires a code', async () => {
    const made = await configured();
    const { auth, clock } = made;
    const session = await signIn(made);
    const other = await signIn(made);
    expect(await auth.account.view(session.userId)).toMatchObject({ secondFactor: 'none', recoveryCodesLeft: 0 });
    const { secret, code, recoveryCodes, endedSessions } = await enrol(made, session);
    expect([recoveryCodes.length, endedSessions]).toEqual([10, 1]);
    expect(await auth.stillValid(other.idHash)).toBeNull();
    expect(await auth.account.view(session.userId)).toMatchObject({ secondFactor: 'stored', recoveryCodesLeft: 10 });
    await expect(signIn(made)).rejects.toThrow('refused');
    // The code that enrolled it is used up.
    await expect(signIn(made, code)).rejects.toThrow('refused');
    clock.now += STEP_MS;
    await signIn(made, await codeAt(secret, clock.now));
    await signIn({ auth: await made.restart() }, recoveryCodes[0]);
    expect((await auth.account.view(session.userId)).recoveryCodesLeft).toBe(9);
  });

  it('is not stored before a code proves it, and a secret that is too short is refused', async () => {
    const made = await configured();
    const { auth, clock } = made;
    const session = await signIn(made);
    const { secret } = auth.account.offerSecondFactor();
    const near = await Promise.all([-1, 0, 1].map((steps) => codeAt(secret, clock.now + steps * STEP_MS)));
    const request = { session, address: ADDRESS };
    for (const [offered, code] of [
      [secret, otherCode(...near)],
      [secret, ''],
      ['JBSWY3DPEH', '123456'],
      ['', '123456'],
    ] as const) {
      expect(await auth.account.enrolmentProblem({ ...request, secret: offered, code })).toMatchObject({
        kind: 'refused',
      });
      expect(await auth.account.enrolSecondFactor({ ...request, secret: offered, code })).toMatchObject({
        kind: 'refused',
      });
    }
    expect(await auth.requiresTotp()).toBe(false);
  });

  it('can be replaced: the old codes and recovery codes no longer work', async () => {
    const made = await configured();
    const { clock } = made;
    const session = await signIn(made);
    const old = await enrol(made, session);
    clock.now += STEP_MS;
    const fresh = await enrol(made, session);
    clock.now += STEP_MS;
    await expect(signIn(made, await codeAt(old.secret, clock.now))).rejects.toThrow('refused');
    await expect(signIn(made, old.recoveryCodes[0])).rejects.toThrow('refused');
    await signIn(made, await codeAt(fresh.secret, clock.now));
    expect(made.events.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['auth.totp.enrolled', 'auth.totp.replaced']),
    );
  });

  it('can be removed, with its recovery codes, unless the environment requires one', async () => {
    const made = await configured();
    const session = await signIn(made);
    const { recoveryCodes } = await enrol(made, session);
    expect((await made.restart({ requireTotp: true })).account.removalProblem(session.userId)).toMatchObject({
      kind: 'refused',
    });
    expect(made.auth.account.removalProblem(session.userId)).toBeNull();
    await made.auth.account.removeSecondFactor({ session, address: ADDRESS });
    expect(await made.auth.account.view(session.userId)).toMatchObject({ secondFactor: 'none', recoveryCodesLeft: 0 });
    await signIn(made);
    expect(await made.auth.stepUpAsksFor(session.userId)).toBe('password');
    expect(JSON.stringify(made.events)).not.toContain(recoveryCodes[0]);
  });

  it('set by the environment can’t be replaced or removed here, but its recovery codes can be renewed', async () => {
    const made = await configured({ totpSecret: SECRET });
    const { auth, clock } = made;
    const session = await signIn(made, await codeAt(SECRET, clock.now));
    const { secret } = auth.account.offerSecondFactor();
    const code = await codeAt(secret, clock.now);
    const request = { session, address: ADDRESS };
    expect(await auth.account.enrolSecondFactor({ ...request, secret, code })).toMatchObject({ kind: 'refused' });
    expect(auth.account.removalProblem(session.userId)).toMatchObject({ kind: 'refused' });
    const first = (await auth.account.renewRecoveryCodes(request)).recoveryCodes;
    const second = (await auth.account.renewRecoveryCodes(request)).recoveryCodes;
    await expect(signIn(made, first[0])).rejects.toThrow('refused');
    await signIn(made, second[0]);
    await expect(signIn(made, second[0])).rejects.toThrow('refused');
    expect(await auth.account.view(session.userId)).toMatchObject({ secondFactor: 'configured', recoveryCodesLeft: 9 });
  });

  it('is required at start when the environment requires one', async () => {
    const made = await configured();
    await expect(made.restart({ requireTotp: true })).rejects.toThrow(
      'NIXFLEET_REQUIRE_TOTP is true, but no second factor',
    );
    await enrol(made, await signIn(made));
    await made.restart({ requireTotp: true });
  });
});

describe('the list of sessions', () => {
  it('lists valid sessions with their address, the last seen first', async () => {
    const made = await configured();
    const { auth, clock } = made;
    const first = await signIn(made);
    clock.now += 3_600_000;
    const second = await signIn(made);
    expect(await auth.sessionsOf('operator')).toMatchObject([
      { idHash: second.idHash, createdAt: clock.now, address: ADDRESS, userAgent: 'a browser' },
      { idHash: first.idHash, createdAt: clock.now - 3_600_000, lastSeenAt: clock.now - 3_600_000 },
    ]);
    clock.now += 11.5 * 3_600_000;
    expect((await auth.sessionsOf('operator')).map(({ idHash }) => idHash)).toEqual([second.idHash]);
    expect(await auth.sessionsOf('somebody-else')).toEqual([]);
  });

  it('ends one or all others, each once, with an event; never those of another user', async () => {
    const made = await configured();
    const { auth, events } = made;
    const [one, two, three] = [await signIn(made), await signIn(made), await signIn(made)];
    const ended: string[] = [];
    auth.onSessionEnd((idHash) => ended.push(idHash));
    const stranger = { ...one, userId: 'somebody-else' };
    expect(await auth.endSession(two.idHash, stranger, ADDRESS)).toBe(false);
    expect(await auth.endOtherSessions(stranger, ADDRESS)).toBe(0);
    expect(await auth.endSession(two.idHash, one, ADDRESS)).toBe(true);
    expect(await auth.endSession(two.idHash, one, ADDRESS)).toBe(false);
    expect(await auth.endOtherSessions(one, ADDRESS)).toBe(1);
    expect(ended).toEqual([two.idHash, three.idHash]);
    expect(await auth.stillValid(one.idHash)).not.toBeNull();
    expect(events.filter(({ action }) => action === 'auth.session.ended')).toHaveLength(2);
  });
});

describe('credentials of the environment', () => {
  it('that changed since the last start end the sessions opened with the old ones', async () => {
    const made = await configured();
    const session = await signIn(made);
    expect(await (await made.restart()).stillValid(session.idHash)).not.toBeNull();
    expect(await (await made.restart({ totpSecret: SECRET })).stillValid(session.idHash)).toBeNull();
    expect(made.events.at(-1)).toMatchObject({ action: 'auth.configured', userId: null });
  });
});
