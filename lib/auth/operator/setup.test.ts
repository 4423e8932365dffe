import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { decodeBase32 } from './base32';
import type { AuthService, SetupResult } from './auth-service';
import { codeAt, makeAuth, otherCode, PASSWORD, PASSWORD_HASH, type TestAuth } from '../testing/auth';

const STEP_MS = 30_000;
const ADDRESS = '203.0.113.9';

let open: TestAuth[] = [];
afterEach(() => {
  for (const one of open) one.close();
  open = [];
});
async function installation(settings: Parameters<typeof makeAuth>[0] = {}): Promise<TestAuth> {
  const made = await makeAuth(settings);
  open.push(made);
  return made;
}
const signIn = (auth: AuthService, code: string) =>
  auth.signIn({ password: PASSWORD, code, address: ADDRESS, userAgent: '', cookies: null });

/** Sets everything up with the code of the step before, so that the present one is left for signing in. */
async function setUp({ auth, clock }: TestAuth, more: { password?: string; code?: string } = {}) {
  const setupCode = (await auth.setupCode()) ?? '';
  const secret = (await auth.offerSetup(setupCode, ADDRESS))?.secret ?? '';
  const code = more.code ?? (await codeAt(secret, clock.now - STEP_MS));
  const request = { setupCode, password: more.password ?? PASSWORD, secret, code, address: ADDRESS };
  return { request, secret, result: await auth.completeSetup(request) };
}
function recoveryCodesOf(result: SetupResult): string[] {
  if (result.kind !== 'done') throw new Error(JSON.stringify(result));
  return result.recoveryCodes;
}

it('sets password and second factor once, and uses up the set-up code', async () => {
  const made = await installation();
  const { auth, events, database } = made;
  expect(await auth.setupState()).toEqual({ kind: 'open', needsTotp: true });
  expect(Buffer.from((await auth.setupCode()) ?? '', 'base64url')).toHaveLength(16);

  const { request, secret, result } = await setUp(made);
  const recoveryCodes = recoveryCodesOf(result);
  expect(new Set(recoveryCodes).size).toBe(10);
  expect(await auth.setupState()).toEqual({ kind: 'done' });
  expect(await auth.setupCode()).toBeNull();
  expect(await auth.offerSetup(request.setupCode, ADDRESS)).toBeNull();
  expect(await auth.completeSetup(request)).toMatchObject({ kind: 'refused', field: 'setup-code' });
  expect(events.map(({ action }) => action)).toContain('auth.setup');

  database.db.$client.pragma('wal_checkpoint(TRUNCATE)');
  const file = readFileSync(database.path, 'latin1');
  for (const hidden of [PASSWORD, secret, ...recoveryCodes, ...recoveryCodes.map((one) => one.replaceAll('-', ''))]) {
    expect(file).not.toContain(hidden);
  }
  expect(file).toContain('$argon2id$');
  expect(JSON.stringify(events)).not.toContain(request.setupCode);
});

it('leaves an installation that requires password and code, each code once across set-up and sign-in', async () => {
  const made = await installation();
  const { auth, clock, restart } = made;
  const { request, secret } = await setUp(made);
  expect(await auth.requiresTotp()).toBe(true);
  expect(await signIn(auth, request.code)).toEqual({ kind: 'refused' });
  expect(await signIn(auth, '')).toEqual({ kind: 'refused' });
  expect(await signIn(await restart(), await codeAt(secret, clock.now))).toMatchObject({ kind: 'signed-in' });
});

it('accepts each recovery code once in place of a code, however it is written', async () => {
  const made = await installation({ rateLimit: 1_000 });
  const { auth, events } = made;
  const [first = '', second = ''] = recoveryCodesOf((await setUp(made)).result);
  expect(await signIn(auth, first)).toMatchObject({ kind: 'signed-in' });
  expect(await signIn(auth, first)).toEqual({ kind: 'refused' });
  expect(events.filter(({ action }) => action === 'auth.recovery-code')).toHaveLength(1);
  const typed = second.toLowerCase().replaceAll('-', ' ');
  const both = await Promise.all([signIn(auth, typed), signIn(auth, second)]);
  expect(both.map(({ kind }) => kind).sort()).toEqual(['refused', 'signed-in']);
  expect(await signIn(auth, 'AAAA-AAAA-AAAA-AAAA')).toEqual({ kind: 'refused' });
});

it('does not use up a recovery code with a wrong password', async () => {
  const made = await installation();
  const [code = ''] = recoveryCodesOf((await setUp(made)).result);
  const wrong = { password: 'wrong', code, address: ADDRESS, userAgent: '', cookies: null };
  expect(await made.auth.signIn(wrong)).toEqual({ kind: 'refused' });
  expect(await signIn(made.auth, code)).toMatchObject({ kind: 'signed-in' });
});

it('stores nothing before the second factor is proven', async () => {
  const made = await installation();
  const { auth, clock } = made;
  const setupCode = (await auth.setupCode()) ?? '';
  const secret = (await auth.offerSetup(setupCode, ADDRESS))?.secret ?? '';
  const near = await Promise.all([-1, 0, 1].map((steps) => codeAt(secret, clock.now + steps * STEP_MS)));
  for (const code of ['', '12345', otherCode(...near), await codeAt(secret, clock.now - 3 * STEP_MS)]) {
    const result = await auth.completeSetup({ setupCode, password: PASSWORD, secret, code, address: ADDRESS });
    expect(result).toMatchObject({ kind: 'refused', field: 'code' });
  }
  // A secret that the browser made up, too short to be safe.
  const weak = 'JBSWY3DP';
  const { generate, createGuardrails } = await import('otplib');
  const code = await generate({
    secret: decodeBase32(weak)!,
    epoch: Math.floor(clock.now / 1_000),
    guardrails: createGuardrails({ MIN_SECRET_BYTES: 1 }),
  });
  const made2 = await auth.completeSetup({ setupCode, password: PASSWORD, secret: weak, code, address: ADDRESS });
  expect(made2).toMatchObject({ kind: 'refused', field: 'code' });
  expect((await auth.setupState()).kind).toBe('open');
  expect((await setUp(made)).result.kind).toBe('done');
});

it('refuses a password of the wrong length and a common one', async () => {
  const made = await installation();
  for (const password of ['', 'x'.repeat(11), 'x'.repeat(129), 'passwordpassword']) {
    expect((await setUp(made, { password })).result).toMatchObject({ kind: 'refused', field: 'password' });
  }
  expect((await setUp(made, { password: 'kdhwoapqmzne' })).result.kind).toBe('done');
});

it('throttles wrong set-up codes by address, and accepts the right one from another', async () => {
  const { auth } = await installation();
  const right = (await auth.setupCode()) ?? '';
  const request = { setupCode: 'wrong', password: PASSWORD, secret: '', code: '', address: ADDRESS };
  for (let guess = 0; guess < 5; guess += 1) {
    expect(await auth.completeSetup(request)).toMatchObject({ kind: 'refused', field: 'setup-code' });
  }
  expect(await auth.completeSetup({ ...request, setupCode: right })).toMatchObject({ kind: 'throttled' });
  expect(await auth.offerSetup(right, ADDRESS)).toBeNull();
  expect(await auth.offerSetup(right, '198.51.100.7')).not.toBeNull();
});

it('creates a new code at each start', async () => {
  const { auth, restart } = await installation();
  const next = await restart();
  expect(await next.setupCode()).not.toBe(await auth.setupCode());
  expect(await next.offerSetup((await auth.setupCode()) ?? '', ADDRESS)).toBeNull();
});

it('lets only one of two concurrent set-ups succeed', async () => {
  const made = await installation();
  const { auth, clock } = made;
  const setupCode = (await auth.setupCode()) ?? '';
  const finish = async (password: string) => {
    const secret = (await auth.offerSetup(setupCode, ADDRESS))?.secret ?? '';
    const code = await codeAt(secret, clock.now);
    return auth.completeSetup({ setupCode, password, secret, code, address: ADDRESS });
  };
  const results = await Promise.all([finish(`${PASSWORD} one`), finish(`${PASSWORD} two`)]);
  expect(results.map(({ kind }) => kind).sort()).toEqual(['done', 'refused']);
});

it('skips what the environment sets', async () => {
  const configured = await installation({ passwordHash: PASSWORD_HASH });
  expect(await configured.auth.setupState()).toEqual({ kind: 'done' });
  expect(await configured.auth.setupCode()).toBeNull();

  const secret = decodeBase32('JBSWY3DPEHPK3PXP')!;
  const { auth, clock } = await installation({ totpSecret: secret });
  expect(await auth.setupState()).toEqual({ kind: 'open', needsTotp: false });
  const request = {
    setupCode: (await auth.setupCode()) ?? '',
    password: PASSWORD,
    secret: '',
    code: '',
    address: ADDRESS,
  };
  expect(await auth.completeSetup(request)).toEqual({ kind: 'done', recoveryCodes: [] });
  const { generate, createGuardrails } = await import('otplib');
  const guardrails = createGuardrails({ MIN_SECRET_BYTES: 1 });
  const code = await generate({ secret, epoch: Math.floor(clock.now / 1_000), guardrails });
  expect(await signIn(auth, '')).toEqual({ kind: 'refused' });
  expect(await signIn(auth, code)).toMatchObject({ kind: 'signed-in' });
});

it('refuses to start when the second factor was encrypted with another key', async () => {
  const made = await installation();
  await setUp(made);
  await expect(made.restart({}, { encryptionKey: 'another key' })).rejects.toThrow(/encryption-key/);
  await made.restart({ totpSecret: decodeBase32('JBSWY3DPEHPK3PXP') }, { encryptionKey: 'x' });
});
