/** Appends events to their table, each row chained to the one before it in its chain. */
import type Sqlite from 'better-sqlite3';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { EventView } from '@/lib/protocol/live/views/event-view';
import { CHAIN_START, eventHash, type ChainedEvent, type ChainLink } from './event-chain';
import { eventColumns } from './event-columns';
import { toChainedEvent, toOldRow, toEventView, type OnUnreadable } from './rows';
import { events } from './schema';
import { prepareWriter } from './statements';

/**
 * Returns a function that appends events; call it inside a transaction. A restore appends one to a database that is not
 * migrated yet: before 4.1.0, events have a sentence, or there is one chain only.
 */
export function prepareEventLog(
  client: Sqlite.Database,
  onUnreadable: OnUnreadable,
): (added: readonly NewEvent[]) => EventView[] {
  const { hasEncoding, hasChain } = eventColumns(client);
  const toRow = (id: number, event: NewEvent): ChainedEvent => {
    if (!hasEncoding) return toOldRow(id, event);
    return hasChain ? toChainedEvent(id, event) : toChainedEvent(id, event, 'main');
  };
  const omit = ['importNote', ...(hasEncoding ? [] : ['encoding']), ...(hasChain ? [] : ['chain'])];
  const writeEvent = prepareWriter(client, events, { omit });
  const newest = prepareNewestLink(client);
  const lastEventId = client
    .prepare<[], number>("select coalesce((select seq from sqlite_sequence where name = 'events'), 0)")
    .pluck();
  const newestId = client.prepare<[], number>('select coalesce(max(id), 0) from events').pluck();

  return (added) => {
    if (added.length === 0) return [];
    const lastHash = new Map<string, string>();
    // The sequence also counts rows that somebody deleted from the newest end, which leaves a visible gap.
    let id = Math.max(newestId.get() ?? 0, lastEventId.get() ?? 0);
    return added.map((event) => {
      id += 1;
      const row = toRow(id, event);
      const prevHash = lastHash.get(row.chain) ?? (newest(row.chain) ?? CHAIN_START).hash;
      const hash = eventHash(prevHash, row);
      writeEvent({ ...row, prevHash, hash });
      lastHash.set(row.chain, hash);
      return toEventView(row, onUnreadable);
    });
  };
}

/** Returns a function that gives the newest link of a chain; null without events. Works with every schema since 4.0.0. */
export function prepareNewestLink(client: Sqlite.Database): (chain: string) => ChainLink | null {
  const { hasChain } = eventColumns(client);
  if (hasChain) {
    const newest = client.prepare<[string], ChainLink>(
      'select id, hash from events where chain = ? order by id desc limit 1',
    );
    return (chain) => newest.get(chain) ?? null;
  }
  const newest = client.prepare<[], ChainLink>('select id, hash from events order by id desc limit 1');
  return (chain) => (chain === 'main' ? (newest.get() ?? null) : null);
}
