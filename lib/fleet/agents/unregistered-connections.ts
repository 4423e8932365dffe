/**
 * Unregistered agent connections. A normal agent registers within milliseconds; anyone with a token could open
 * thousands and leave them idle. They are bounded per address and token, time out, and are reported to the operator.
 */
import { limitKey } from '@/lib/limits/address-key';
import { Shares } from '@/lib/limits/shares';
import type { Connection } from '../turns/connection';
import type { LimitUse } from '@/lib/limits/limit-use';

/** How long (ms of `LoopTime`) a connection may take to register. */
export const REGISTER_TIMEOUT_MS = 10_000;
/** For all addresses together. */
export const MAX_UNREGISTERED = 4_096;
/** For one address (IPv6: /64 network): a whole fleet may be behind it and dial at the same moment. */
export const MAX_UNREGISTERED_PER_ADDRESS = 2_048;
/** For one host token, which a single agent uses. The shared token is bounded by addresses only. */
export const MAX_UNREGISTERED_PER_TOKEN = 16;
/** The shortest time between two reports of closed connections (ms of `LoopTime`). */
const REPORT_PERIOD_MS = 3_600_000;
/** A report waits this long after the first closed connection, so that it counts those that follow. */
const REPORT_AFTER_MS = 10_000;
/** Addresses counted between two reports at most. */
const MAX_COUNTED_ADDRESSES = 1_000;
/** How many of the largest are named. */
const TOP_NAMES = 5;

const ADDRESS = 'address ';
const TOKEN = 'token ';

export interface ClosedReport {
  /** Connections closed since the last report. */
  closed: number;
  /** The address with the most of them, and how many. */
  address: string;
  ofAddress: number;
}

export class UnregisteredConnections {
  private readonly shares = new Shares<Connection>(MAX_UNREGISTERED);
  private ended = 0;
  /** Closed since the last report, by address. */
  private unreported = new Map<string, number>();
  private unreportedCount = 0;
  private firstUnreportedAt = 0;
  private reportedAt = -Infinity;

  /** Adds a new connection; returns those that must be closed to make room. */
  add(connection: Connection, now: number): Connection[] {
    const { address, identity } = connection.link;
    const shares = [{ key: ADDRESS + limitKey(address), max: MAX_UNREGISTERED_PER_ADDRESS }];
    if (identity.kind === 'host') {
      shares.push({ key: `${TOKEN}${identity.tokenId} ${identity.hostId}`, max: MAX_UNREGISTERED_PER_TOKEN });
    }
    const displaced = this.shares.add(connection, shares);
    this.ended += displaced.length;
    for (const one of displaced) this.count(one, now);
    return displaced;
  }

  /** It is admitted, held or closed. */
  delete(connection: Connection): void {
    this.shares.delete(connection);
  }

  /** Removes and returns those that did not register in time. One whose register waits for the database is not late. */
  takeLate(now: number): Connection[] {
    const late: Connection[] = [];
    for (const connection of this.shares) {
      if (now - connection.connectedAt < REGISTER_TIMEOUT_MS) break;
      if (connection.state.phase === 'unregistered') late.push(connection);
    }
    for (const connection of late) {
      this.shares.delete(connection);
      this.count(connection, now);
    }
    return late;
  }

  /** `nameOf`: the name of a host by its id. */
  use(nameOf: (hostId: string) => string): LimitUse {
    return {
      id: 'agents_unregistered',
      label: 'Unregistered agent connections',
      used: this.shares.size,
      max: MAX_UNREGISTERED,
      refused: this.ended,
      by: this.shares.largest(TOP_NAMES).map(({ key, members }) => ({ who: shown(key, nameOf), count: members })),
    };
  }

  /** The report of closed connections that is due now, with the address with the most of them; usually null. */
  takeReport(now: number): ClosedReport | null {
    const isDue = now - this.firstUnreportedAt >= REPORT_AFTER_MS && now - this.reportedAt >= REPORT_PERIOD_MS;
    if (this.unreportedCount === 0 || !isDue) return null;
    const [first = ['', 0] as const] = [...this.unreported].sort((one, other) => other[1] - one[1]);
    const [address, ofAddress] = first;
    const closed = this.unreportedCount;
    this.unreported = new Map();
    this.unreportedCount = 0;
    this.reportedAt = now;
    return { closed, ofAddress, address };
  }

  private count({ link }: Connection, now: number): void {
    if (this.unreportedCount === 0) this.firstUnreportedAt = now;
    this.unreportedCount += 1;
    const key = limitKey(link.address);
    const known = this.unreported.get(key);
    if (known !== undefined || this.unreported.size < MAX_COUNTED_ADDRESSES) this.unreported.set(key, (known ?? 0) + 1);
  }
}

function shown(key: string, nameOf: (hostId: string) => string): string {
  if (key.startsWith(ADDRESS)) return key.slice(ADDRESS.length);
  const [, hostId = ''] = key.slice(TOKEN.length).split(' ');
  return `the token of ${nameOf(hostId)}`;
}
