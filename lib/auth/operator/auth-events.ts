/** Events of sign-in, sessions and the account. */
import type { SafeRecorder } from '../event-recorder';
import type { WallClock } from './auth-ports';

/** A proven user. */
export interface Actor {
  userId: string;
  userName: string;
}

export interface AuthEvent {
  action: string;
  level: 'success' | 'info' | 'warning';
  outcome: 'done' | 'refused';
  message: string;
  address: string;
  data?: Record<string, unknown>;
}

/**
 * Records what a user did. `claimed` instead of `by`: an unproven user, as with a refused sign-in; the event names the
 * account without a user id. Resolves when the event is stored; never rejects.
 */
export type AuthEvents = (who: { by: Actor } | { claimed: string }, event: AuthEvent) => Promise<void>;

export function createAuthEvents(record: SafeRecorder, now: WallClock): AuthEvents {
  return (who, event) =>
    record({
      at: now(),
      category: 'auth',
      actorKind: 'operator',
      actor: 'by' in who ? who.by.userName : who.claimed,
      userId: 'by' in who ? who.by.userId : null,
      hostId: null,
      hostName: '',
      commandId: null,
      ...event,
    });
}
