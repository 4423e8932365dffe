/**
 * The endpoints of next-auth below `/api/auth/` that sign-in and sign-out use, by method. Not `_log`, which writes what
 * anybody sends into the log, nor `session`, which renews a cookie without looking the session up.
 */
export const AUTH_ENDPOINTS: Readonly<Record<'GET' | 'POST', readonly string[]>> = {
  GET: ['csrf', 'providers', 'signin', 'signout', 'error'],
  POST: ['callback/credentials', 'signout'],
};
