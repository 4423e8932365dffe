/**
 * Agents' connections that have not registered. An honest agent registers within milliseconds; whoever holds a token can
 * also open thousands and sit. They are bounded by shares, end by a deadline, and the operator hears of it.
 */
import type { LimitUse } from '@/lib/protocol/limit-use';
import { limitKey } from '@/lib/limits/address-key';
import { Shares } from '@/lib/limits/shares';
import type { Connection } from '../turns/connection';

/** How long (ms of `LoopTime`) a connection may take to register. */
export const REGISTER_TIMEOUT_MS = 10_000;
/** Of all addresses together. */
export const MAX_UNREGISTERED = 4_096;
/** Of one address (IPv6: /64 network): a whole fleet may sit behind it and dial in one moment. */
export const MAX_UNREGISTERED_PER_ADDRESS = 2_048;
/** With one host's own token, which one agent has. The shared token is the fleet's: its addresses bound it. */
export const MAX_UNREGISTERED_PER_TOKEN = 16;
/** The operator hears of ended ones this often at most (ms of `LoopTime`). */
const REPORT_PERIOD_MS = 3_600_000;
/** And this long after the first of them, so that the figure says something. */
const REPORT_AFTER_MS = 10_000;
/** Addresses that are counted between two reports. */
const MAX_COUNTED_ADDRESSES = 1_000;
/** Of these, so many are named. */
const NAMED = 5;

const ADDRESS = 'address ';
const TOKEN = 'token ';

export class Unregistered {
  private readonly shares = new Shares<Connection>(MAX_UNREGISTERED);
  private ended = 0;
  /** Ended since the last report, by address. */
  private unreported = new Map<string, number>();
  private unreportedCount = 0;
  private firstUnreportedAt = 0;
  private reportedAt = -Infinity;

  /** Adds a new connection; gives those that have to go for it. */
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

  /** It has registered and has a place, waits for one, or is closed. */
  delete(connection: Connection): void {
    this.shares.delete(connection);
  }

  /** Takes out those that have not registered in time. One whose register waits for the database is not late. */
  takeLate(now: number): Connection[] {
    const late: Connection[] = [];
    for (const connection of this.shares) {
      if (now - connection.connectedAt < REGISTER_TIMEOUT_MS) break;
      if (connection.register === null) late.push(connection);
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
      label: 'Agent connections that have not registered',
      used: this.shares.size,
      max: MAX_UNREGISTERED,
      refused: this.ended,
      by: this.shares.largest(NAMED).map(({ key, members }) => ({ who: shown(key, nameOf), count: members })),
    };
  }

  /** What the operator should hear of ended connections now, with the address that most of them came from; mostly null. */
  takeReport(now: number): { message: string; address: string } | null {
    const isDue = now - this.firstUnreportedAt >= REPORT_AFTER_MS && now - this.reportedAt >= REPORT_PERIOD_MS;
    if (this.unreportedCount === 0 || !isDue) return null;
    const [first = ['', 0] as const] = [...this.unreported].sort((one, other) => other[1] - one[1]);
    const [address, count] = first;
    const what = this.unreportedCount === 1 ? 'connection that' : 'connections that';
    const were = this.unreportedCount === 1 ? 'was' : 'were';
    const message =
      `${this.unreportedCount} agent ${what} did not register ${were} ended; most came from ${address} (${count}): ` +
      'see Settings, About.';
    this.unreported = new Map();
    this.unreportedCount = 0;
    this.reportedAt = now;
    return { message, address };
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
