/**
 * The budget of events that agents, and anyone without a session, can cause as often as they like: those of the chain
 * `peers`. Each counts towards its token, or its address and kind; what exceeds a bound becomes one event for the hour.
 */
import { limitKey } from '@/lib/limits/address-key';
import {
  EVENTS_OF_SHARED_TOKEN,
  EVENTS_OF_SHARED_TOKEN_WITHOUT_HOST,
  EVENTS_PER_ADDRESS,
  EVENTS_PER_HOST,
  EVENTS_PER_HOST_TOKEN,
  EVENTS_PER_KIND_AND_ADDRESS,
  EVENTS_PER_KIND_WITHOUT_TOKEN,
  EventBudget,
  type CountedEvent,
  type EventSum,
} from '@/lib/limits/event-budget';
import type { ShareBound } from '@/lib/limits/shares';
import { BY_DASHBOARD, chainOf, NOBODY } from '../events';
import type { AgentIdentity } from '../records/agent-port';
import type { Clock, FleetLog, LoopTime } from '../records/environment';
import type { NewEvent } from '../records/event-record';

export class PeerEventBudget {
  constructor(
    private readonly options: { clock: Pick<Clock, 'now'>; loop: Pick<LoopTime, 'now'>; log: FleetLog },
    private readonly budget = new EventBudget(),
  ) {}

  /**
   * Whether an event is to be recorded; one that is not is added to the sum. `identity`: what the peer has proven; null
   * for one without a token. Events of the chain `main` are always recorded.
   */
  admits(event: NewEvent, identity: AgentIdentity | null): boolean {
    if (chainOf(event) === 'main') return true;
    const { clock, loop, log } = this.options;
    const { isSumming } = this.budget;
    if (this.budget.admit(countedOf(event), boundsOf(event, identity), loop.now(), clock.now())) return true;
    const { address, hostName, action } = event;
    if (!isSumming)
      log.warn(
        { address, hostName, action },
        'too many events from agents or visitors: further ones are counted, not recorded',
      );
    return false;
  }

  /** Adds an admitted event that can't be recorded to the sum. */
  count(event: NewEvent): void {
    this.budget.add(countedOf(event), this.options.loop.now(), this.options.clock.now());
  }

  /** The sum of a window that is over, as an event; usually null. */
  takeDueSum(): NewEvent | null {
    return this.summed(this.budget.takeSum(this.options.loop.now()));
  }

  /** The sum so far, as an event, before the dashboard stops; usually null. */
  takeRemainingSum(): NewEvent | null {
    return this.summed(this.budget.endSum());
  }

  private summed(sum: EventSum | null): NewEvent | null {
    return sum && { ...NOBODY, ...BY_DASHBOARD, at: this.options.clock.now(), action: 'events.summed', params: sum };
  }
}

function countedOf({ action, hostName, address }: NewEvent): CountedEvent {
  return { kind: action, host: hostName, address: limitKey(address) };
}

/**
 * What an event counts towards. With a host token, only towards that token: others at its address, and others who claim to
 * be its host with the shared token, must not use up its events. The same holds for what the dashboard notices of a host
 * by itself (without a token).
 */
function boundsOf({ action, hostId, address }: NewEvent, identity: AgentIdentity | null): ShareBound[] {
  if (identity?.kind === 'host') return [{ key: `token ${identity.tokenId}`, max: EVENTS_PER_HOST_TOKEN }];
  const from = limitKey(address);
  const bounds: ShareBound[] = [];
  if (address !== '') bounds.push({ key: `address ${from}`, max: EVENTS_PER_ADDRESS });
  if (identity !== null) {
    bounds.push({ key: 'shared token', max: EVENTS_OF_SHARED_TOKEN });
    if (hostId !== null) bounds.push({ key: `host ${hostId}`, max: EVENTS_PER_HOST });
    else bounds.push({ key: 'shared token, no host', max: EVENTS_OF_SHARED_TOKEN_WITHOUT_HOST });
  } else if (hostId !== null) {
    bounds.push({ key: `noticed of host ${hostId}`, max: EVENTS_PER_HOST });
  } else {
    if (address !== '') bounds.push({ key: `without a token ${action} ${from}`, max: EVENTS_PER_KIND_AND_ADDRESS });
    bounds.push({ key: `without a token ${action}`, max: EVENTS_PER_KIND_WITHOUT_TOKEN });
  }
  return bounds;
}
