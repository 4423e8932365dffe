/** Held connections: open, without `registered`. Bounded so that unknown agents can't keep a known host out. */
import { MAX_HELD } from './admission-rules';
import { limitKey } from '@/lib/limits/address-key';
import { heldOf, registrationOf, type Connection, type Held, type Registration } from '../turns/connection';
import type { LimitUse } from '@/lib/limits/limit-use';

/** How many of the addresses with the most held connections are named. */
const TOP_NAMES = 5;

export interface HeldClaim {
  connection: Connection;
  registration: Registration;
  held: Held;
}

export class HeldConnections {
  private readonly all = new Set<Connection>();
  private refused = 0;

  /** `isKnown`: whether a host has this name. */
  constructor(private readonly isKnown: (name: string) => boolean) {}

  get size(): number {
    return this.all.size;
  }

  has(connection: Connection): boolean {
    return this.all.has(connection);
  }

  add(connection: Connection): void {
    this.all.add(connection);
  }

  /** Returns the host name that it claims, or null when it was not held. */
  delete(connection: Connection): string | null {
    return this.all.delete(connection) ? nameOf(connection) : null;
  }

  /** What each of them claims and why it is held, oldest first. */
  claims(): HeldClaim[] {
    return [...this.all].flatMap((connection) => {
      const [registration, held] = [registrationOf(connection), heldOf(connection)];
      return registration && held ? [{ connection, registration, held }] : [];
    });
  }

  [Symbol.iterator](): Iterator<Connection> {
    return this.all.values();
  }

  /** The connections that claim a name, oldest first. */
  forName(name: string): Connection[] {
    return [...this.all].filter((connection) => nameOf(connection) === name);
  }

  /**
   * The connection to close so that this one, which claims `name`, can be held: null while there is room; it may be the new one itself. A claim
   * to a known host always finds room: its agent may be back after a cut that the dashboard has not noticed yet.
   */
  displacedBy(newcomer: Connection, name: string): Connection | null {
    if (this.all.size < MAX_HELD) return null;
    const { counted, names } = this.counted();
    const isKnown = this.isKnown(name);
    if (counted.length < MAX_HELD || (isKnown && !names.has(name))) return null;
    this.refused += 1;
    const strangers = counted.filter((connection) => !this.isKnown(nameOf(connection)));
    const candidates = isKnown && strangers.length === 0 ? counted : strangers;
    const [top] = byAddress(candidates);
    if (!top) return newcomer;
    const ofAddress = candidates.filter(
      ({ link }) => limitKey(link.address) === limitKey(newcomer.link.address),
    ).length;
    // An unknown agent displaces another one only if its address holds fewer connections than the largest.
    if (!isKnown && ofAddress + 1 >= top.members.length) return newcomer;
    return top.members[0] ?? newcomer;
  }

  use(): LimitUse {
    const { counted } = this.counted();
    return {
      id: 'agents_held',
      label: 'Pending agents',
      used: counted.length,
      max: MAX_HELD,
      refused: this.refused,
      by: byAddress(counted)
        .slice(0, TOP_NAMES)
        .map(({ address, members }) => ({ who: address, count: members.length })),
    };
  }

  /** The connections that count towards the limit: all but the first one for each known host. */
  private counted(): { counted: Connection[]; names: ReadonlySet<string> } {
    const names = new Set<string>();
    const counted: Connection[] = [];
    for (const connection of this.all) {
      const name = nameOf(connection);
      if (names.has(name) || !this.isKnown(name)) counted.push(connection);
      else names.add(name);
    }
    return { counted, names };
  }
}

/** The host name that a connection claims; empty if it is not a valid one. */
function nameOf(connection: Connection): string {
  return registrationOf(connection)?.name ?? '';
}

/** The address with the most connections first; of each address, the oldest connection first. */
function byAddress(connections: readonly Connection[]): { address: string; members: Connection[] }[] {
  const addresses = new Map<string, Connection[]>();
  for (const connection of connections) {
    const key = limitKey(connection.link.address);
    const members = addresses.get(key);
    if (members) members.push(connection);
    else addresses.set(key, [connection]);
  }
  return [...addresses]
    .map(([address, members]) => ({ address, members }))
    .sort((one, other) => other.members.length - one.members.length);
}
