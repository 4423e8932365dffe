/**
 * The endpoints of next-auth below `/api/auth/` that sign-in and sign-out use, by method. Without `_log`, which writes what
 * anyone sends to the log, and `session`, which renews a cookie without looking up the session.
 */
export const AUTH_ENDPOINTS: Readonly<Record<'GET' | 'POST', readonly string[]>> = {
  GET: ['csrf', 'providers', 'signin', 'signout', 'error'],
  POST: ['callback/credentials', 'signout'],
};
