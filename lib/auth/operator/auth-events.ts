/** Events of sign-in, sessions and the account. */
import { NOBODY } from '@/lib/fleet/events';
import type { SafeRecorder } from '../event-recorder';
import type { WallClock } from './auth-ports';
import type { CodedEvent, EventCode } from '@/lib/fleet/events/event-table';

/** A proven user. */
export interface Actor {
  userId: string;
  userName: string;
}

export type AuthEventCode = Extract<EventCode, `auth.${string}`>;

/**
 * Records what a user did. `claimed` instead of `by`: an unproven user, as with a refused sign-in; the event names the
 * account without a user id. Resolves when the event is stored; never rejects.
 */
export type AuthEvents = (
  who: { by: Actor } | { claimed: string },
  address: string,
  event: CodedEvent<AuthEventCode>,
) => Promise<void>;

export function createAuthEvents(record: SafeRecorder, now: WallClock): AuthEvents {
  return (who, address, event) =>
    record({
      ...NOBODY,
      at: now(),
      actorKind: 'operator',
      actor: 'by' in who ? who.by.userName : who.claimed,
      userId: 'by' in who ? who.by.userId : null,
      address,
      ...event,
    });
}
