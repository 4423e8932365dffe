/** Events of sign-in, sessions and the account, worded by those who record them and shaped once. */
import type { Clock, EventRecorder } from './auth-ports';

/** Who did something, as far as that is proven. */
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
 * Records what a user did. `claimed` instead of `by`: somebody who only says so, as with a refused sign-in; such an
 * event names the account and carries no user id.
 */
export type AuthEvents = (who: { by: Actor } | { claimed: string }, event: AuthEvent) => void;

export function createAuthEvents(record: EventRecorder, now: Clock): AuthEvents {
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
