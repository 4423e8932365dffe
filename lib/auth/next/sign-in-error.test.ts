import { expect, it } from 'vitest';
import { parseSignInError, signInErrorCode, waitText } from './sign-in-error';

it('carries a failure through one word', () => {
  expect(parseSignInError(signInErrorCode({ kind: 'refused' }))).toEqual({ kind: 'refused' });
  expect(parseSignInError(signInErrorCode({ kind: 'throttled', retryAfterMs: 31_200 }))).toEqual({
    kind: 'throttled',
    retryAfterMs: 32_000,
  });
  expect(parseSignInError('throttled-x')).toEqual({ kind: 'failed' });
  expect(parseSignInError(signInErrorCode({ kind: 'unstored' }))).toEqual({ kind: 'unstored' });
  expect(parseSignInError('CredentialsSignin')).toEqual({ kind: 'failed' });
});

it('formats a wait for people', () => {
  expect([0, 900, 32_000, 119_000, 121_000, 900_000].map(waitText)).toEqual([
    '1 s',
    '1 s',
    '32 s',
    '119 s',
    '3 min',
    '15 min',
  ]);
});
