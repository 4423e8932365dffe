/** The wrapper of actions, with the real sign-in and store. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { decodeBase32 } from '../operator/base32';
import type { Session } from '../operator/auth-service';
import { codeAt, makeAuth, otherCode, PASSWORD, PASSWORD_HASH, type TestAuth } from '../testing/auth';
import { operatorAction, stepUpAction } from './action';

const ADDRESS = '203.0.113.9';
const STEP_MS = 30_000;
const SECRET = decodeBase32('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP')!;
const STEP_UP_REQUIRED = { ok: false, error: { kind: 'step-up-required', asksFor: 'code' } };

const request = vi.hoisted(() => ({ session: null as Session | null, auth: null as TestAuth['auth'] | null }));
vi.mock('./app-session', () => ({
  getSession: () => Promise.resolve(request.session),
  getClientAddress: () => Promise.resolve(ADDRESS),
}));
vi.mock('@/lib/dashboard/runtime', () => ({
  runtime: () => ({ auth: request.auth, log: { error: () => undefined } }),
}));

let made: TestAuth;
/** What the handler did. */
let done: { host: string; stepUp: boolean }[];
/** A fresh code from the app, which was not used to sign in. */
let code: string;

beforeEach(async () => {
  done = [];
  made = await makeAuth({ passwordHash: PASSWORD_HASH, totpSecret: SECRET });
  const signIn = await made.auth.signIn({
    password: PASSWORD,
    code: await codeAt(SECRET, made.clock.now),
    address: ADDRESS,
    userAgent: '',
    cookies: null,
  });
  if (signIn.kind !== 'signed-in') throw new Error(signIn.kind);
  Object.assign(request, { session: signIn.session, auth: made.auth });
  made.clock.now += STEP_MS;
  code = await codeAt(SECRET, made.clock.now);
});
afterEach(() => made.close());

const inputSchema = z.object({ host: z.string().min(1), hosts: z.number().default(2) });
/** Reboots a host; one alone needs no proof, and the host "gone" is not known. */
const reboot = stepUpAction(
  inputSchema,
  {
    purpose: ({ host }) => `Reboot of ${host}`,
    needed: ({ hosts }) => hosts > 1,
    check: ({ host }) => (host === 'gone' ? { kind: 'failed', message: 'There is no such host.' } : null),
  },
  ({ host }, { stepUp }) => {
    done.push({ host, stepUp });
    return host;
  },
);

describe('an action that needs a step-up proof', () => {
  it('asks for the proof, and runs once with it', async () => {
    expect(await reboot({ host: 'h1' })).toEqual(STEP_UP_REQUIRED);
    expect(await reboot({ host: 'h1' }, '')).toEqual(STEP_UP_REQUIRED);
    expect(done).toEqual([]);
    expect(await reboot({ host: 'h1' }, code)).toEqual({ ok: true, value: 'h1' });
    expect(await reboot({ host: 'h1' }, code)).toMatchObject({ ok: false, error: { kind: 'step-up-refused' } });
    expect(done).toEqual([{ host: 'h1', stepUp: true }]);
  });

  it('does nothing with a wrong proof', async () => {
    const wrong = otherCode(code, await codeAt(SECRET, made.clock.now + STEP_MS));
    expect(await reboot({ host: 'h1' }, wrong)).toMatchObject({ ok: false, error: { kind: 'step-up-refused' } });
    expect(done).toEqual([]);
  });

  it.each([
    ['has another form', { host: '' }, 'invalid'],
    ['can’t be carried out', { host: 'gone' }, 'failed'],
  ])('does not use up the proof when the request %s', async (_case, input, kind) => {
    expect(await reboot(input, code)).toMatchObject({ ok: false, error: { kind } });
    // Not asked for a proof either.
    expect(await reboot(input)).toMatchObject({ ok: false, error: { kind } });
    expect(await reboot({ host: 'h1' }, code)).toEqual({ ok: true, value: 'h1' });
  });

  it('does not use up the proof when the request needs none', async () => {
    expect(await reboot({ host: 'h1', hosts: 1 }, code)).toEqual({ ok: true, value: 'h1' });
    expect(await reboot({ host: 'h2' }, code)).toEqual({ ok: true, value: 'h2' });
    expect(done).toEqual([
      { host: 'h1', stepUp: false },
      { host: 'h2', stepUp: true },
    ]);
  });
});

describe('without a session, an action', () => {
  beforeEach(() => {
    request.session = null;
  });

  it('does nothing', async () => {
    const rename = operatorAction(inputSchema, ({ host }) => done.push({ host, stepUp: false }));
    const signedOut = { ok: false, error: { kind: 'signed-out' } };
    expect(await rename({ host: 'h1' })).toEqual(signedOut);
    expect(await reboot({ host: 'h1' })).toEqual(signedOut);
    expect(await reboot({ host: 'h1' }, code)).toEqual(signedOut);
    expect(done).toEqual([]);
  });
});
