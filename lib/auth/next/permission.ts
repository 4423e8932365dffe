/** What the operator of a session may do. */
import { notFound } from 'next/navigation';
import { requireSession } from './app-session';
import { runtime } from '@/lib/dashboard/runtime';
import { operatorActor, type Verb } from '@/lib/fleet/may';
import type { Sees } from '@/lib/fleet/visible';
import type { Session } from '../operator/auth-service';

/** `hostId`: null for what concerns no single host. */
export function mayOf(session: Pick<Session, 'userId'>, verb: Verb, hostId: string | null): boolean {
  return runtime().may(operatorActor(session), verb, hostId);
}

export function seesOf(session: Pick<Session, 'userId'>): Sees {
  return (hostId) => mayOf(session, 'view', hostId);
}

/** The session of the current request. Without one, redirects to the sign-in page; a denied page is not found. */
export async function requirePermission(verb: Verb): Promise<Session> {
  const session = await requireSession();
  return mayOf(session, verb, null) ? session : notFound();
}
