import { encode } from 'next-auth/jwt';
import { expect, it } from 'vitest';
import { createSessionCookie, decodeSessionToken } from './session-cookie';

const cookie = createSessionCookie('a session secret for tests', null);
const { secret } = cookie;
const headerOf = (header: object) => Buffer.from(JSON.stringify(header)).toString('base64url');

it('gives the session id of a cookie that was issued here', async () => {
  const token = await encode({ token: { sid: 'x'.repeat(43) }, secret });
  expect(await cookie.sessionId(`nixfleet.session=${token}`)).toBe('x'.repeat(43));
});

it('does not decrypt a token with a header other than the issued one', async () => {
  const [, , ...rest] = (await encode({ token: { sid: 'x' }, secret })).split('.');
  const pbes2 = { alg: 'PBES2-HS512+A256KW', enc: 'A256GCM', p2c: 10_000, p2s: 'AAAAAAAAAAAAAAAA' };
  for (const token of [
    [headerOf(pbes2), 'A'.repeat(54), ...rest].join('.'),
    [headerOf({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' }), '', ...rest].join('.'),
    [headerOf({ enc: 'A256GCM', alg: 'dir' }), '', ...rest].join('.'),
    [headerOf({ alg: 'dir', enc: 'A256GCM' }), '', rest[0], 'A'.repeat(5_000), rest[2]].join('.'),
    '',
    'x',
  ]) {
    // What is decrypted and found wrong rejects instead.
    expect(await decodeSessionToken({ token, secret }), token.slice(0, 60)).toBeNull();
    expect(await cookie.sessionId(`nixfleet.session=${token}`)).toBeNull();
  }
});

it('refuses a cookie made with another secret', async () => {
  const token = await encode({ token: { sid: 'x' }, secret: 'another' });
  expect(await cookie.sessionId(`nixfleet.session=${token}`)).toBeNull();
});
