/** next-auth's endpoints: those that sign-in and sign-out use, and no other. */
import type { NextRequest } from 'next/server';
import NextAuth from 'next-auth';
import { forwardedAddress } from '@/lib/auth/client-address';
import { nextAuthOptions, requestOrigin } from '@/lib/auth/next-auth-options';
import { runtime } from '@/lib/runtime';

interface RouteContext {
  params: Promise<{ nextauth: string[] }>;
}

/** Not `_log`, which writes what anybody sends into the log, nor `session`, which renews a cookie without looking the session up. */
const ENDPOINTS: Readonly<Record<string, readonly string[]>> = {
  GET: ['csrf', 'providers', 'signin', 'signout', 'error'],
  POST: ['callback/credentials', 'signout'],
};

async function handle(request: NextRequest, context: RouteContext): Promise<Response> {
  const endpoint = (await context.params).nextauth.join('/');
  if (!ENDPOINTS[request.method]?.includes(endpoint)) {
    return Response.json({ error: 'There is no such address.' }, { status: 404 });
  }
  const { auth, log, about } = runtime();
  const options = nextAuthOptions({
    auth,
    log,
    origin: requestOrigin(request.headers, about.baseUrl),
    address: forwardedAddress(request.headers.get('x-forwarded-for')),
  });
  const response: unknown = await NextAuth(request, context, options);
  if (!(response instanceof Response)) throw new Error('next-auth gave no response');
  return response;
}

export { handle as GET, handle as POST };
