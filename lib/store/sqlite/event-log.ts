/** Appends to the one table of events, each row chained to the one before it. */
import type Sqlite from 'better-sqlite3';
import { CHAIN_START, eventHash } from './event-chain';
import { toChainedEvent, toEventView, type Complain } from './rows';
import { events } from './schema';
import { prepareWriter } from './statements';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { EventView } from '@/lib/protocol/live/views/event-view';

/** Gives a function that appends events; it has to run inside a transaction of its caller. */
export function prepareEventLog(
  client: Sqlite.Database,
  complain: Complain,
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
    // The sequence also remembers rows that somebody deleted from the end: the gap then shows.
    let id = Math.max(last.id, lastEventId.get() ?? 0);
    return added.map((event) => {
      id += 1;
      const row = toChainedEvent(id, event);
      const hash = eventHash(prevHash, row);
      writeEvent({ ...row, prevHash, hash });
      prevHash = hash;
      return toEventView(row, complain);
    });
  };
}
