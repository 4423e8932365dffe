/** Appends events to their table, each row chained to the one before it. */
import type Sqlite from 'better-sqlite3';
import { CHAIN_START, eventHash } from './event-chain';
import { toChainedEvent, toEventView, type OnUnreadable } from './rows';
import { events } from './schema';
import { prepareWriter } from './statements';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { EventView } from '@/lib/protocol/live/views/event-view';

/** Returns a function that appends events; call it inside a transaction. */
export function prepareEventLog(
  client: Sqlite.Database,
  onUnreadable: OnUnreadable,
): (added: readonly NewEvent[]) => EventView[] {
  const writeEvent = prepareWriter(client, events, { omit: ['importNote'] });
  const lastEvent = client.prepare<[], { id: number; hash: string }>(
    'select id, hash from events order by id desc limit 1',
  );
  const lastEventId = client
    .prepare<[], number>("select coalesce((select seq from sqlite_sequence where name = 'events'), 0)")
    .pluck();

  return (added) => {
    if (added.length === 0) return [];
    const last = lastEvent.get() ?? CHAIN_START;
    let prevHash = last.hash;
    // The sequence also counts rows that somebody deleted from the newest end, which leaves a visible gap.
    let id = Math.max(last.id, lastEventId.get() ?? 0);
    return added.map((event) => {
      id += 1;
      const row = toChainedEvent(id, event);
      const hash = eventHash(prevHash, row);
      writeEvent({ ...row, prevHash, hash });
      prevHash = hash;
      return toEventView(row, onUnreadable);
    });
  };
}
