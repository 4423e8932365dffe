/** The end of a session, from the list of sessions to the socket: with the real sign-in, store and gateway. */
import { once } from 'node:events';
import { encode } from 'next-auth/jwt';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { makeAuth, PASSWORD, PASSWORD_HASH, type TestAuth } from '@/lib/auth/testing/auth';
import type { Session } from '@/lib/auth/operator/auth-service';
import { SESSION_CHECK_INTERVAL_MS } from '../live-gateway';
import { createTestServer, type TestServer } from '../../testing/test-server';

const ADDRESS = '203.0.113.9';

let server: TestServer;
let made: TestAuth;
beforeEach(async () => {
  // The hub's regular check of sessions comes only when a test wants it: what closes a socket is the end of its session.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  server = await createTestServer();
  made = await makeAuth({ passwordHash: PASSWORD_HASH });
  server.lookUpSessionsBy((cookie) => made.auth.resolveSession(cookie));
  made.auth.onSessionEnd((idHash) => server.hub.closeSession(idHash));
});
afterEach(async () => {
  await server.close();
  made.close();
  vi.useRealTimers();
});

interface SignedIn {
  session: Session;
  cookie: string;
  sockets: WebSocket[];
}

const dial = (cookie: string) =>
  server.dial('/live', { headers: { cookie, origin: `http://127.0.0.1:${server.port}` } });

/** A browser with two pages open. */
async function signIn(): Promise<SignedIn> {
  const { auth } = made;
  const result = await auth.signIn({ password: PASSWORD, code: '', address: ADDRESS, userAgent: '', cookies: null });
  if (result.kind !== 'signed-in') throw new Error(result.kind);
  const token = await encode({ token: { sid: result.sessionId }, secret: auth.cookieSecret });
  const cookie = `${auth.cookieName}=${token}`;
  const sockets = [dial(cookie), dial(cookie)];
  await Promise.all(sockets.map((socket) => once(socket, 'open')));
  return { session: result.session, cookie, sockets };
}

/** Does something that closes all sockets of these browsers because their session ended. */
async function expectClosedBy(act: () => unknown, ...browsers: SignedIn[]): Promise<void> {
  const closed = browsers.flatMap(({ sockets }) => sockets.map((socket) => once(socket, 'close')));
  await act();
  const codes = (await Promise.all(closed)).map(([code]) => Number(code));
  expect(new Set(codes)).toEqual(new Set([4401]));
}

/** The copy of a cookie that a thief kept: nothing opens with it any more. */
async function expectDead({ cookie, session }: SignedIn): Promise<void> {
  const [, response] = (await once(dial(cookie), 'unexpected-response')) as [unknown, { statusCode: number }];
  expect(response.statusCode).toBe(401);
  expect(await made.auth.resolveSession(cookie)).toBeNull();
  expect(await made.auth.stillValid(session.idHash)).toBeNull();
}

/** Resolves when everything that was sent to a socket so far has come: its ping is answered, or it is closed. */
async function answered(socket: WebSocket): Promise<void> {
  if (socket.readyState !== WebSocket.OPEN) return;
  const end = Promise.race([once(socket, 'pong'), once(socket, 'close')]);
  socket.ping();
  await end;
}

const isOpen = ({ sockets }: SignedIn) => sockets.every((socket) => socket.readyState === socket.OPEN);

describe('the sockets of a session', () => {
  it('are closed when its operator signs out, and those of another session are not', async () => {
    const [leaving, staying] = [await signIn(), await signIn()];
    await expectClosedBy(() => made.auth.signOut(leaving.session.idHash, ADDRESS), leaving);
    expect(isOpen(staying)).toBe(true);
    await expectDead(leaving);
  });

  it('are closed when another session ends it, alone or with all others', async () => {
    const [own, one, two, three] = [await signIn(), await signIn(), await signIn(), await signIn()];
    const listed = (await made.auth.sessionsOf(own.session.userId)).map(({ idHash }) => idHash);
    expect(new Set(listed)).toEqual(new Set([own, one, two, three].map(({ session }) => session.idHash)));
    const end = () => made.auth.endSession(one.session.idHash, own.session, ADDRESS);
    await expectClosedBy(end, one);
    expect([own, two, three].every(isOpen)).toBe(true);
    const endOthers = () => made.auth.endOtherSessions(own.session, ADDRESS);
    await expectClosedBy(endOthers, two, three);
    expect(isOpen(own)).toBe(true);
    for (const ended of [one, two, three]) await expectDead(ended);
  });

  it('are closed when another session changes the credentials of the account', async () => {
    const [own, other] = [await signIn(), await signIn()];
    const change = () => made.auth.account.removeSecondFactor({ session: own.session, address: ADDRESS });
    await expectClosedBy(change, other);
    expect(isOpen(own)).toBe(true);
    await expectDead(other);
  });

  it('are closed by the regular check when the session was not used for too long', async () => {
    const [idle, used] = [await signIn(), await signIn()];
    const checks: Promise<boolean>[] = [];
    server.checkSessionsBy((idHash) => {
      const check = made.auth.stillValid(idHash).then((session) => session !== null);
      checks.push(check);
      return check;
    });
    // An open socket is not activity.
    for (let hour = 0; hour < 12; hour += 1) {
      made.clock.now += 3_600_000;
      await made.auth.resolveSession(used.cookie);
    }
    vi.advanceTimersByTime(SESSION_CHECK_INTERVAL_MS);
    expect((await Promise.all(checks)).sort()).toEqual([false, true]);
    const all = [...idle.sockets, ...used.sockets];
    await Promise.all(all.map(answered));
    expect(all.map(({ readyState }) => readyState === WebSocket.OPEN)).toEqual([false, false, true, true]);
    await expectDead(idle);
  });
});
