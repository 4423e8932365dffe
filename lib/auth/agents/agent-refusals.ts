/**
 * Wrong tokens and codes: counted per address in the database, with a bounded number of events. Agents with a wrong
 * token reconnect forever, at least once a minute.
 */
import { OncePer } from '@/lib/limits/once-per';
import { limitKey } from '../client-address';
import type { WallClock, EventRecorder } from '../operator/auth-ports';
import { addressBucket, type Throttle, type ThrottleKind } from '../throttle';

const REPEAT_AFTER_MS = 3_600_000;
const MAX_REMEMBERED = 1_000;
/** Most refusal events within an hour, over all addresses. */
const MAX_EVENTS_PER_HOUR = 60;

export interface AgentRefusals {
  /** Counts a wrong token or code. Returns how long its address must wait (ms); 0 for the first few. */
  count(kind: ThrottleKind, address: string): number;
  /** Records an event, once an hour per address and action. */
  recordOnce(action: string, address: string, message: string): void;
}

export function createAgentRefusals(throttle: Throttle, now: WallClock, record: EventRecorder): AgentRefusals {
  const reported = new OncePer(REPEAT_AFTER_MS, MAX_REMEMBERED);
  let hour = { since: 0, count: 0 };

  return {
    count(kind, address) {
      try {
        return throttle.take([addressBucket(kind, address)]);
      } catch {
        // A full disk can't store the count; the token is refused either way.
        return 0;
      }
    },
    recordOnce(action, address, message) {
      const at = now();
      if (!reported.isDue(`${action} ${limitKey(address)}`, at)) return;
      if (at - hour.since >= REPEAT_AFTER_MS || at < hour.since) hour = { since: at, count: 0 };
      hour.count += 1;
      if (hour.count > MAX_EVENTS_PER_HOUR) return;
      const last = hour.count === MAX_EVENTS_PER_HOUR ? ' Further refusals are suppressed for this hour.' : '';
      record({
        at,
        category: 'auth',
        level: 'warning',
        action,
        actorKind: 'agent',
        actor: 'agent',
        userId: null,
        address,
        hostId: null,
        hostName: '',
        commandId: null,
        outcome: 'refused',
        message: `${message}${last}`,
      });
    },
  };
}
