/**
 * Wrong tokens and codes: counted per address in the database, and told of without a flood. Agents with a wrong token
 * dial for ever, at least once a minute.
 */
import { OncePer } from '@/lib/limits/once-per';
import { limitKey } from '../client-address';
import type { Clock, EventRecorder } from '../operator/auth-ports';
import { addressBucket, type Throttle, type ThrottleKind } from '../throttle';

const TOLD_EVERY_MS = 3_600_000;
const MAX_REMEMBERED = 1_000;
/** So many different refusals are told within an hour, whatever number of addresses there are. */
const MAX_TOLD_PER_HOUR = 60;

export interface AgentRefusals {
  /** Counts a wrong token or code; gives how long its address has to wait (ms), 0 for the first few. */
  count(kind: ThrottleKind, address: string): number;
  /** Writes a readable event, once an hour for an address and an action. */
  tell(action: string, address: string, message: string): void;
}

export function createAgentRefusals(throttle: Throttle, now: Clock, record: EventRecorder): AgentRefusals {
  const told = new OncePer(TOLD_EVERY_MS, MAX_REMEMBERED);
  let hour = { since: 0, count: 0 };

  return {
    count(kind, address) {
      try {
        return throttle.take([addressBucket(kind, address)]);
      } catch {
        // A full disk can't count; the token is wrong all the same.
        return 0;
      }
    },
    tell(action, address, message) {
      const at = now();
      if (!told.isDue(`${action} ${limitKey(address)}`, at)) return;
      if (at - hour.since >= TOLD_EVERY_MS || at < hour.since) hour = { since: at, count: 0 };
      hour.count += 1;
      if (hour.count > MAX_TOLD_PER_HOUR) return;
      const last = hour.count === MAX_TOLD_PER_HOUR ? ' There are more; no more is said of them within this hour.' : '';
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
