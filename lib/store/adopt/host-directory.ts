/** Finds adopted hosts by the ids and names in old rows. */
import type { HostRow } from '../sqlite/rows';
import type { KnownHost } from './adopt-command';
import type { SharedName } from './adopt-report';

interface DirectoryHost extends KnownHost {
  lastSeenAt: number | null;
}

export class HostDirectory {
  private readonly byId = new Map<string, DirectoryHost>();
  private readonly byLowerCase = new Map<string, DirectoryHost[]>();
  private readonly byName = new Map<string, DirectoryHost[]>();
  private readonly tokens = new Set<string>();

  get size(): number {
    return this.byId.size;
  }

  add({ id, name, lastSeenAt }: Pick<HostRow, 'id' | 'name' | 'lastSeenAt'>): void {
    const host = { id, name, lastSeenAt };
    this.byId.set(id, host);
    put(this.byLowerCase, id.toLowerCase(), host);
    put(this.byName, name, host);
  }

  addToken(hash: string): void {
    this.tokens.add(hash);
  }

  hasHost(id: string): boolean {
    return this.byId.has(id);
  }

  hasToken(hash: string): boolean {
    return this.tokens.has(hash);
  }

  /** Finds a host by its id, else by its id in another case or by its name if only one host matches. */
  find(key: string): KnownHost | null {
    const lower = key.toLowerCase();
    return this.byId.get(key) ?? only(this.byLowerCase.get(lower)) ?? only(this.byName.get(lower)) ?? null;
  }

  /** Names of several hosts. `FleetCore.byName` says which of them an agent with that name connects as. */
  sharedNames(): SharedName[] {
    return [...this.byName].flatMap(([name, hosts]) => {
      const [first, ...others] = hosts;
      if (!first || others.length === 0) return [];
      const ofId = this.byId.get(name);
      const sameId = ofId?.name === name ? ofId : hosts.find(({ id }) => id.toLowerCase() === name);
      const newest = others.reduce((a, b) => ((b.lastSeenAt ?? 0) > (a.lastSeenAt ?? 0) ? b : a), first);
      return [{ name, ids: hosts.map(({ id }) => id), claimed: (sameId ?? newest).id }];
    });
  }
}

function put(map: Map<string, DirectoryHost[]>, key: string, host: DirectoryHost): void {
  const known = map.get(key);
  if (known) known.push(host);
  else map.set(key, [host]);
}

function only(hosts: DirectoryHost[] | undefined): DirectoryHost | undefined {
  return hosts?.length === 1 ? hosts[0] : undefined;
}
