/** Whoever guesses from the operator's address must not keep the operator out of the dashboard. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { decodeBase32 } from '@/lib/auth/operator/base32';
import { codeAt, makeAuth, PASSWORD, PASSWORD_HASH, type TestAuth } from '@/lib/auth/testing/auth';
import { run } from './testing/run';

const SECRET = decodeBase32('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP') ?? Buffer.alloc(0);
/** That of the proxy, behind which everybody has it. */
const SHARED = '192.0.2.1';

let made: TestAuth;

beforeEach(async () => {
  made = await makeAuth({ passwordHash: PASSWORD_HASH, totpSecret: SECRET });
});
afterEach(() => made.close());

const unlock = () => run(['unlock'], { env: { NIXFLEET_DATA_DIR: made.database.folder } });

async function signIn(password: string, code: string): Promise<string> {
  const attempt = { password, code, address: SHARED, userAgent: 'a browser', cookies: null };
  return (await made.auth.signIn(attempt)).kind;
}

async function failEightTimes(password: string): Promise<void> {
  for (let number = 0; number < 8; number += 1) await signIn(password, '000000');
  expect(await signIn(PASSWORD, await codeAt(SECRET, made.clock.now))).toBe('throttled');
}

it.each([
  ['password', 'wrong'],
  ['code', PASSWORD],
])('lets the operator in from the address from which somebody guessed the %s', async (_what, password) => {
  await failEightTimes(password);
  expect(await unlock()).toMatchObject({ code: 0, err: '' });
  expect(await signIn(PASSWORD, await codeAt(SECRET, made.clock.now))).toBe('signed-in');
});

it('clears the failed attempts at a set-up link', async () => {
  const empty = await makeAuth();
  try {
    for (let number = 0; number < 8; number += 1) await empty.auth.offerSetup('wrong', SHARED);
    const right = (await empty.auth.setupCode()) ?? '';
    expect(await empty.auth.offerSetup(right, SHARED)).toBeNull();
    const env = { NIXFLEET_DATA_DIR: empty.database.folder };
    expect(await run(['unlock'], { env })).toMatchObject({ code: 0, err: '' });
    expect(await empty.auth.offerSetup(right, SHARED)).not.toBeNull();
  } finally {
    empty.close();
  }
});

it('a recovery code lets the operator in from that address without it', async () => {
  const signedIn = await made.auth.signIn({
    ...{ password: PASSWORD, code: await codeAt(SECRET, made.clock.now) },
    ...{ address: '198.51.100.7', userAgent: 'a browser', cookies: null },
  });
  if (signedIn.kind !== 'signed-in') throw new Error(signedIn.kind);
  const { recoveryCodes } = await made.auth.account.renewRecoveryCodes({ session: signedIn.session, address: '' });
  made.clock.now += 30_000;
  await failEightTimes('wrong');
  expect(await signIn(PASSWORD, recoveryCodes[0] ?? '')).toBe('signed-in');
});
