/** The wrapper of actions, with the real sign-in and store. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { decodeBase32 } from '../operator/base32';
import type { Session } from '../operator/auth-service';
import { codeAt, makeAuth, otherCode, PASSWORD, PASSWORD_HASH, type TestAuth } from '../testing/auth';
import { operatorAction, stepUpAction } from './action';
import type { May, Verb } from '@/lib/fleet/may';

const ADDRESS = '203.0.113.9';
const STEP_MS = 30_000;
const SECRET = decodeBase32('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP')!;
const STEP_UP_REQUIRED = { ok: false, error: { kind: 'step-up-required', asksFor: 'code' } };

interface FakeRequest {
  session: Session | null;
  auth: TestAuth['auth'] | null;
  may: May;
}
const request = vi.hoisted((): FakeRequest => ({ session: null, auth: null, may: () => true }));
vi.mock('./app-session', () => ({
  getSession: () => Promise.resolve(request.session),
  getClientAddress: () => Promise.resolve(ADDRESS),
}));
vi.mock('@/lib/dashboard/runtime', () => ({
  runtime: () => ({ auth: request.auth, may: request.may, log: { error: () => undefined } }),
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
  Object.assign(request, { session: signIn.session, auth: made.auth, may: () => true });
  made.clock.now += STEP_MS;
  code = await codeAt(SECRET, made.clock.now);
});
afterEach(() => made.close());

const inputSchema = z.object({ host: z.string().min(1), hosts: z.number().default(2) });
/** Reboots a host; one alone needs no proof, and the host "gone" is not known. */
const reboot = stepUpAction(
  { verb: ({ hosts }) => (hosts > 1 ? 'operate' : 'view'), hosts: ({ host }) => host.split(',') },
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

describe('an action that its operator may not do', () => {
  const nameSchema = z.object({ host: z.string() });
  const DENIED = {
    ok: false,
    error: { kind: 'failed', message: 'You are not allowed to do this.' },
  };
  type Asked = Parameters<May>;

  it('is asked about each host with its verb, and does nothing when one of them is denied', async () => {
    const asked: Asked[] = [];
    request.may = (...question) => {
      asked.push(question);
      return question[2] !== 'h2';
    };
    const actor = { kind: 'operator', userId: request.session?.userId };
    expect(await reboot({ host: 'h1,h2' }, code)).toEqual(DENIED);
    expect(asked).toEqual([
      [actor, 'operate', 'h1'],
      [actor, 'operate', 'h2'],
    ]);
    expect(await reboot({ host: 'h1', hosts: 1 })).toEqual({ ok: true, value: 'h1' });
    expect(asked.at(-1)).toEqual([actor, 'view', 'h1']);
    expect(done).toEqual([{ host: 'h1', stepUp: false }]);
  });

  it('neither asks for a proof nor uses it up, nor checks what would reveal something', async () => {
    request.may = () => false;
    expect(await reboot({ host: 'gone' })).toEqual(DENIED);
    expect(await reboot({ host: 'h1' })).toEqual(DENIED);
    expect(await reboot({ host: 'h1' }, code)).toEqual(DENIED);
    request.may = () => true;
    expect(await reboot({ host: 'h1' }, code)).toEqual({ ok: true, value: 'h1' });
  });

  it('is asked about the fleet as a whole when it concerns no host, or none that exists', async () => {
    const asked: Asked[] = [];
    request.may = (...question) => {
      asked.push(question);
      return false;
    };
    const none = operatorAction({ verb: 'administer' }, z.object({}), () => 'done');
    const unknown = operatorAction({ verb: 'view', hosts: () => Promise.resolve([]) }, z.object({}), () => 'done');
    expect(await none({})).toEqual(DENIED);
    expect(await unknown({})).toEqual(DENIED);
    expect(asked.map(([, verb, hostId]) => [verb, hostId])).toEqual([
      ['administer', null],
      ['view', null],
    ]);
  });

  it('is denied unless every one of its verbs is allowed', async () => {
    request.may = (_actor, verb) => verb !== 'approve';
    const verbOf = (word: string): Verb => (word === 'merge' ? 'approve' : 'operate');
    const start = operatorAction({ verb: ({ host }) => host.split(',').map(verbOf) }, nameSchema, () => 'started');
    expect(await start({ host: 'pull' })).toEqual({ ok: true, value: 'started' });
    expect(await start({ host: 'pull,merge' })).toEqual(DENIED);
  });

  it('knows which hosts its operator sees', async () => {
    request.may = (_actor, verb, hostId) => verb !== 'view' || hostId === null || hostId === 'h1';
    const look = operatorAction({ verb: 'view' }, z.object({}), (_input, { sees }) => ['h1', 'h2'].filter(sees));
    expect(await look({})).toEqual({ ok: true, value: ['h1'] });
  });
});

describe('without a session, an action', () => {
  beforeEach(() => {
    request.session = null;
  });

  it('does nothing', async () => {
    const rename = operatorAction({ verb: 'operate' }, inputSchema, ({ host }) => done.push({ host, stepUp: false }));
    const signedOut = { ok: false, error: { kind: 'signed-out' } };
    expect(await rename({ host: 'h1' })).toEqual(signedOut);
    expect(await reboot({ host: 'h1' })).toEqual(signedOut);
    expect(await reboot({ host: 'h1' }, code)).toEqual(signedOut);
    expect(done).toEqual([]);
  });
});
