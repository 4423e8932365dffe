/**
 * Wrong tokens and codes: counted per address in the database, with a bounded number of events. Agents with a wrong
 * token reconnect forever, at least once a minute.
 */
import { NOBODY } from '@/lib/fleet/events';
import type { CodedEvent, EventParams } from '@/lib/fleet/events/event-table';
import { OncePer } from '@/lib/limits/once-per';
import { limitKey } from '../client-address';
import type { SafeRecorder } from '../event-recorder';
import type { WallClock } from '../operator/auth-ports';
import { addressBucket, type Throttle, type ThrottleKind } from '../throttle';

const REPEAT_AFTER_MS = 3_600_000;
const MAX_REMEMBERED = 1_000;
/** Most refusal events within an hour, over all addresses. */
const MAX_EVENTS_PER_HOUR = 60;
/** Most counts in progress. Beyond it nothing is counted: such a token or code is refused either way. */
const MAX_COUNTING = 256;
const BUSY_WAIT_MS = 1_000;

/** A refused agent or enrolment: a code with its parameters. */
export type Refusal =
  | { action: 'agent.refused'; params: Pick<EventParams<'agent.refused'>, 'token'> }
  | { action: 'agent.shared-token-refused' }
  | {
      action: 'enrolment.refused';
      params: { why: 'wrong-code'; hostName: string } | { why: 'not-allowed'; message: string };
    };

export interface AgentRefusals {
  /** Counts a wrong token or code. Returns how long its address must wait (ms); 0 for the first few. */
  count(kind: ThrottleKind, address: string): Promise<number>;
  /** Records an event, once an hour per address and code. */
  recordOnce(address: string, refusal: Refusal): void;
}

export function createAgentRefusals(throttle: Throttle, now: WallClock, record: SafeRecorder): AgentRefusals {
  const reported = new OncePer(REPEAT_AFTER_MS, MAX_REMEMBERED);
  let hour = { since: 0, count: 0 };
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
      if (at - hour.since >= REPEAT_AFTER_MS || at < hour.since) hour = { since: at, count: 0 };
      hour.count += 1;
      if (hour.count > MAX_EVENTS_PER_HOUR) return;
      const head = { ...NOBODY, at, actorKind: 'agent', actor: 'agent', address } as const;
      void record({ ...head, ...refusalEvent(refusal, hour.count === MAX_EVENTS_PER_HOUR) });
    },
  };
}

function refusalEvent(refusal: Refusal, furtherSuppressed: boolean): CodedEvent<Refusal['action']> {
  switch (refusal.action) {
    case 'agent.refused':
      return { action: refusal.action, params: { ...refusal.params, furtherSuppressed } };
    case 'agent.shared-token-refused':
      return { action: refusal.action, params: { furtherSuppressed } };
    case 'enrolment.refused':
      return { action: refusal.action, params: { ...refusal.params, furtherSuppressed } };
  }
}
