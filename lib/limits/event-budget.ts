/**
 * Limits how many events agents and visitors cause. Within a window of time, the first events of each source are recorded
 * in full; those beyond a bound are counted, and become one sum for the window. Pure: times come by argument.
 */
import type { ShareBound } from './shares';

/** How long a window lasts (ms of a monotonic clock). */
export const EVENT_WINDOW_MS = 3_600_000;
/**
 * For one address (IPv6: /64 network) in a window, without the events of host tokens: a whole fleet may be behind it and
 * connect after a restart.
 */
export const EVENTS_PER_ADDRESS = 2_000;
/** For one host token in a window. A healthy host causes about 40 at most. */
export const EVENTS_PER_HOST_TOKEN = 100;
/** For one host, whatever token its agent uses. */
export const EVENTS_PER_HOST = 100;
/** For the shared token in a window, which a whole fleet may use. */
export const EVENTS_OF_SHARED_TOKEN = 2_000;
/** For agents with the shared token that speak for no host. */
export const EVENTS_OF_SHARED_TOKEN_WITHOUT_HOST = 200;
/** For peers without a token, for each kind of event and address: one kind or address must not hide another. */
export const EVENTS_PER_KIND_AND_ADDRESS = 20;
/** The same over all addresses. */
export const EVENTS_PER_KIND_WITHOUT_TOKEN = 300;
/** At most this many bounds have a counter in one window; further ones share one. */
export const MAX_COUNTED_BOUNDS = 20_000;
/** At most this many hosts, and this many addresses, are told apart in one sum. */
export const MAX_SUMMED_NAMES = 1_000;
/** A sum lists this many of them: those with the most events. */
const TOP_NAMES = 5;

/** What a sum says of an event. */
export interface CountedEvent {
  kind: string;
  /** Empty without a host. */
  host: string;
  /** The key by which limits count it; empty without an address. */
  address: string;
}

export interface NamedCount {
  name: string;
  count: number;
}

/** The events of a window that were not recorded. */
export interface EventSum {
  /** When the first of them came, by the wall clock. */
  since: number;
  events: number;
  /** The most frequent first. */
  kinds: NamedCount[];
  /** How many hosts they are about (at most `MAX_SUMMED_NAMES` are told apart), and those with the most. */
  hosts: number;
  ofHosts: NamedCount[];
  /** The same for the addresses that they came from. */
  addresses: number;
  ofAddresses: NamedCount[];
}

interface Tally {
  since: number;
  events: number;
  kinds: Map<string, number>;
  hosts: Map<string, number>;
  addresses: Map<string, number>;
}

export class EventBudget {
  private readonly used = new Map<string, number>();
  private endsAt = -Infinity;
  private tally: Tally | null = null;

  constructor(private readonly windowMs: number = EVENT_WINDOW_MS) {}

  /**
   * True when an event is to be recorded: each of its bounds has room, and it counts towards all. Otherwise it is added to
   * the sum, and counts towards none: a source that exceeds one bound takes no room from others. `now`: monotonic; `at`:
   * by the wall clock (ms).
   */
  admit(event: CountedEvent, bounds: readonly ShareBound[], now: number, at: number): boolean {
    this.begin(now);
    const counted = bounds.map(({ key, max }) => ({ key: this.keyOf(key), max }));
    if (counted.some(({ key, max }) => (this.used.get(key) ?? 0) >= max)) {
      this.add(event, now, at);
      return false;
    }
    for (const { key } of counted) this.used.set(key, (this.used.get(key) ?? 0) + 1);
    return true;
  }

  /** Adds an event to the sum although its bounds had room, because it can't be recorded. */
  add({ kind, host, address }: CountedEvent, now: number, at: number): void {
    this.begin(now);
    this.tally ??= { since: at, events: 0, kinds: new Map(), hosts: new Map(), addresses: new Map() };
    this.tally.events += 1;
    count(this.tally.kinds, kind);
    count(this.tally.hosts, host);
    count(this.tally.addresses, address);
  }

  /** True while events of the window are being summed up. */
  get isSumming(): boolean {
    return this.tally !== null;
  }

  /** The sum of a window that is over; null when every event was recorded, and while the window lasts. */
  takeSum(now: number): EventSum | null {
    return now < this.endsAt ? null : this.endSum();
  }

  /** The sum so far, before the window is over; null when every event was recorded. */
  endSum(): EventSum | null {
    const { tally } = this;
    this.tally = null;
    if (tally === null) return null;
    const { since, events, kinds, hosts, addresses } = tally;
    return {
      ...{ since, events, kinds: largest(kinds, kinds.size) },
      ...{ hosts: hosts.size, ofHosts: largest(hosts, TOP_NAMES) },
      ...{ addresses: addresses.size, ofAddresses: largest(addresses, TOP_NAMES) },
    };
  }

  /** The first event after a window has ended begins the next one. */
  private begin(now: number): void {
    if (now < this.endsAt) return;
    this.used.clear();
    this.endsAt = now + this.windowMs;
  }

  private keyOf(key: string): string {
    return this.used.has(key) || this.used.size < MAX_COUNTED_BOUNDS ? key : 'others';
  }
}

function count(counts: Map<string, number>, name: string): void {
  if (name === '') return;
  const known = counts.get(name);
  if (known !== undefined || counts.size < MAX_SUMMED_NAMES) counts.set(name, (known ?? 0) + 1);
}

function largest(counts: ReadonlyMap<string, number>, most: number): NamedCount[] {
  return [...counts]
    .map(([name, many]) => ({ name, count: many }))
    .sort((one, other) => other.count - one.count)
    .slice(0, most);
}
