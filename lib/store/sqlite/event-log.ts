/** Appends events to their table, each row chained to the one before it. */
import type Sqlite from 'better-sqlite3';
import { hasEncodings } from './audit';
import { CHAIN_START, eventHash } from './event-chain';
import { toChainedEvent, toOldRow, toEventView, type OnUnreadable } from './rows';
import { events } from './schema';
import { prepareWriter } from './statements';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import type { EventView } from '@/lib/protocol/live/views/event-view';

/**
 * Returns a function that appends events; call it inside a transaction. A restore appends one to a database that is not
 * migrated yet: before 4.1.0, events have a sentence.
 */
export function prepareEventLog(
  client: Sqlite.Database,
  onUnreadable: OnUnreadable,
): (added: readonly NewEvent[]) => EventView[] {
  const isMigrated = hasEncodings(client);
  const toRow = isMigrated ? toChainedEvent : toOldRow;
  const writeEvent = prepareWriter(client, events, { omit: isMigrated ? ['importNote'] : ['importNote', 'encoding'] });
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
      const row = toRow(id, event);
      const hash = eventHash(prevHash, row);
      writeEvent({ ...row, prevHash, hash });
      prevHash = hash;
      return toEventView(row, onUnreadable);
    });
  };
}
