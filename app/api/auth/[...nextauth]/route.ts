/** next-auth's endpoints: only those that sign-in and sign-out use. */
import type { NextRequest } from 'next/server';
import NextAuth from 'next-auth';
import { z } from 'zod';
import { forwardedAddress } from '@/lib/auth/client-address';
import { nextAuthOptions, requestOrigin } from '@/lib/auth/next/next-auth-options';
import { runtime } from '@/lib/dashboard/runtime';
import { AUTH_ENDPOINTS } from '@/lib/protocol/http/auth-endpoints';

/** next-auth's response to a form submitted by a script. */
const redirectSchema = z.object({ url: z.string() });
/** Its response to `providers`: by id. */
const providersSchema = z.record(z.string(), z.looseObject({ signinUrl: z.string(), callbackUrl: z.string() }));

interface RouteContext {
  params: Promise<{ nextauth: string[] }>;
}

async function handle(request: NextRequest, context: RouteContext): Promise<Response> {
  const endpoint = (await context.params).nextauth.join('/');
  if (!AUTH_ENDPOINTS[request.method === 'POST' ? 'POST' : 'GET'].includes(endpoint)) {
    return Response.json({ error: 'Not found.' }, { status: 404 });
  }
  const { auth, log, about } = runtime();
  const deviceCookies: string[] = [];
  const origin = requestOrigin(request.headers, about.baseUrl);
  const options = nextAuthOptions({
    auth,
    log,
    origin,
    address: forwardedAddress(request.headers.get('x-forwarded-for')),
    cookies: request.headers.get('cookie'),
    onDeviceCookie: (setCookie) => deviceCookies.push(setCookie),
  });
  const response: unknown = await NextAuth(request, context, options);
  if (!(response instanceof Response)) throw new Error('next-auth gave no response');
  const answer = await atOrigin(response, origin);
  for (const setCookie of deviceCookies) answer.headers.append('set-cookie', setCookie);
  return answer;
}

/**
 * next-auth assumes http://localhost:3000 as its address when the environment names none, so the origin of the URLs in
 * its responses is replaced with the browser's. Its options decide where a redirect may lead.
 */
async function atOrigin(response: Response, origin: string): Promise<Response> {
  const { status, headers } = response;
  const moved = (url: string) => {
    const { pathname, search } = new URL(url, origin);
    return `${origin}${pathname}${search}`;
  };
  const location = headers.get('location');
  if (location !== null) headers.set('location', moved(location));
  if (!headers.get('content-type')?.startsWith('application/json')) return response;
  const body: unknown = await response.clone().json();
  const redirect = redirectSchema.safeParse(body);
  if (redirect.success) return Response.json({ url: moved(redirect.data.url) }, { status, headers });
  const providers = providersSchema.safeParse(body);
  if (!providers.success) return response;
  const atHome = Object.entries(providers.data).map(([id, provider]) => {
    const { signinUrl, callbackUrl } = provider;
    return [id, { ...provider, signinUrl: moved(signinUrl), callbackUrl: moved(callbackUrl) }];
  });
  return Response.json(Object.fromEntries(atHome), { status, headers });
}

export { handle as GET, handle as POST };
