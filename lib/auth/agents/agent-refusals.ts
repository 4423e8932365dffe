/**
 * Wrong tokens and codes: counted per address in the database. Agents with a wrong token reconnect forever, at least once a
 * minute: an address causes one event an hour for each code, within the budget for events without a token
 * (`lib/fleet/turns/peer-event-budget.ts`).
 */
import { NOBODY } from '@/lib/fleet/events';
import type { CodedEvent } from '@/lib/fleet/events/event-table';
import { OncePer } from '@/lib/limits/once-per';
import { limitKey } from '../client-address';
import type { SafeRecorder } from '../event-recorder';
import type { WallClock } from '../operator/auth-ports';
import { addressBucket, type Throttle, type ThrottleKind } from '../throttle';

const REPEAT_AFTER_MS = 3_600_000;
const MAX_REMEMBERED = 1_000;
/** Most counts in progress. Beyond it nothing is counted: such a token or code is refused either way. */
const MAX_COUNTING = 256;
const BUSY_WAIT_MS = 1_000;

/** A refused agent or enrolment: a code with its parameters. */
export type Refusal = CodedEvent<'agent.refused' | 'agent.shared-token-refused' | 'enrolment.refused'>;

export interface AgentRefusals {
  /** Counts a wrong token or code. Returns how long its address must wait (ms); 0 for the first few. */
  count(kind: ThrottleKind, address: string): Promise<number>;
  /** Records an event, once an hour per address and code. */
  recordOnce(address: string, refusal: Refusal): void;
}

export function createAgentRefusals(throttle: Throttle, now: WallClock, record: SafeRecorder): AgentRefusals {
  const reported = new OncePer(REPEAT_AFTER_MS, MAX_REMEMBERED);
  let counting = 0;

  return {
    async count(kind, address) {
      if (counting >= MAX_COUNTING) return BUSY_WAIT_MS;
      counting += 1;
      try {
        const attempt = await throttle.take([addressBucket(kind, address)]);
        return attempt.kind === 'blocked' ? attempt.waitMs : 0;
      } catch {
        // A full disk can't store the count; the token is refused either way.
        return 0;
      } finally {
        counting -= 1;
      }
    },
    recordOnce(address, refusal) {
      const at = now();
      if (!reported.isDue(`${refusal.action} ${limitKey(address)}`, at)) return;
      const head = { ...NOBODY, at, actorKind: 'agent', actor: 'agent', address } as const;
      void record({ ...head, ...refusal });
    },
  };
}
