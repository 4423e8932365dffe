/**
 * Events come from several old tables, and the chain needs them in the order of time. They are collected in a temporary
 * table that sorts them, so that memory does not grow with their number.
 */
import type Sqlite from 'better-sqlite3';
import { CHAIN_START, eventHash, type ChainedEvent } from '../sqlite/event-chain';
import { toRowWithSentence, toChainedEvent } from '../sqlite/rows';
import { events } from '../sqlite/schema';
import { prepareWriter } from '../sqlite/statements';
import type { AdoptedEvent } from './adopt-command';
import type { NewEvent } from '@/lib/fleet/records/event-record';

const PAGE = 1_000;
const COLUMNS = [
  'encoding',
  'chain',
  'id',
  'at',
  'category',
  'level',
  'action',
  'actorKind',
  'actor',
  'userId',
  'address',
  'hostId',
  'hostName',
  'commandId',
  'outcome',
  'message',
  'data',
] as const satisfies readonly (keyof ChainedEvent)[];

type StagedEvent = ChainedEvent & { number: number; importNote: string | null };

export interface EventStage {
  add(event: AdoptedEvent): void;
  /** Writes all events into the chain, oldest first, then `last`. Returns their number. */
  drain(last: NewEvent, batch: () => void): number;
}

export function createEventStage(client: Sqlite.Database): EventStage {
  client.exec(
    `create table adopting_events (number integer not null, ${COLUMNS.join(', ')}, importNote text,
     primary key (at, number)) without rowid`,
  );
  const insert = client.prepare(
    `insert into adopting_events values (@number, ${COLUMNS.map((name) => `@${name}`).join(', ')}, @importNote)`,
  );
  const page = client.prepare<[number, number], StagedEvent>(
    `select * from adopting_events where (at, number) > (?, ?) order by at, number limit ${PAGE}`,
  );
  let number = 0;

  return {
    add({ event, importNote }) {
      number += 1;
      insert.run({ ...toRowWithSentence(0, event), number, importNote });
    },
    drain(last, batch) {
      const write = prepareWriter(client, events);
      let { id, hash: prevHash } = CHAIN_START;
      const append = (event: ChainedEvent, importNote: string | null) => {
        id += 1;
        const row = { ...event, id };
        const hash = eventHash(prevHash, row);
        write({ ...row, prevHash, hash, importNote });
        prevHash = hash;
      };
      let after = { at: Number.MIN_SAFE_INTEGER, number: 0 };
      for (;;) {
        const rows = page.all(after.at, after.number);
        for (const { number: position, importNote, ...event } of rows) {
          append(event, importNote);
          after = { at: event.at, number: position };
          batch();
        }
        if (rows.length < PAGE) break;
      }
      append(toChainedEvent(0, last, 'main'), null);
      client.exec('drop table adopting_events');
      return id;
    },
  };
}
