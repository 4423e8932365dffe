/** Sessions for pages, actions and route handlers. Must not be imported by `server.ts`: it loads `next/headers`. */
import { headers } from 'next/headers';
import { redirect } from 'next/navigation';
import { cache } from 'react';
import { runtime } from '@/lib/dashboard/runtime';
import { forwardedAddress } from '../client-address';
import type { Session } from '../operator/auth-service';

/** The session of the current request, looked up once per request; null when nobody is signed in. */
export const getSession = cache(async (): Promise<Session | null> => {
  return runtime().auth.resolveSession((await headers()).get('cookie'));
});

/** The session of the current request; redirects to the sign-in page without one. */
export async function requireSession(): Promise<Session> {
  return (await getSession()) ?? redirect('/login');
}

/** The client address of the current request. */
export async function getClientAddress(): Promise<string> {
  return forwardedAddress((await headers()).get('x-forwarded-for'));
}
