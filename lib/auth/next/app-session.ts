/** Sessions as pages, actions and route handlers ask for them. Never imported by `server.ts`: it loads `next/headers`. */
import { headers } from 'next/headers';
import { redirect } from 'next/navigation';
import { cache } from 'react';
import { runtime } from '@/lib/dashboard/runtime';
import { forwardedAddress } from '../client-address';
import type { Session } from '../operator/auth-service';

/** The session of the present request, looked up once for it; null when nobody is signed in. */
export const getSession = cache(async (): Promise<Session | null> => {
  return runtime().auth.resolveSession((await headers()).get('cookie'));
});

/** The session of the present request, or the browser is sent to the sign-in page. */
export async function requireSession(): Promise<Session> {
  return (await getSession()) ?? redirect('/login');
}

/** The address that the present request came from. */
export async function getClientAddress(): Promise<string> {
  return forwardedAddress((await headers()).get('x-forwarded-for'));
}
