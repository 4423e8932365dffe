/** The contract of `FleetStore` for events. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventFilter, FleetStore } from '@/lib/fleet/records/store-port';
import { testCommand, testEvent } from '../sqlite/testing/sample-records';
import {
  CONSTRAINT,
  LARGEST,
  LONE_SURROGATE,
  REPLACEMENT,
  throughClone,
  UNUSUAL_TEXT,
  type Open,
  type OpenPort,
} from './contract';

/** Most events that one answer has. */
const MAX_EVENTS = 500;

export function fleetEventsContract(name: string, open: Open<FleetStore>): void {
  describe(`events: ${name}`, () => {
    let opened: OpenPort<FleetStore>;
    let store: FleetStore;
    beforeEach(async () => {
      opened = await open();
      store = throughClone(opened.store);
    });
    afterEach(() => opened.close());

    const messagesOf = async (filter: EventFilter) => (await store.events(filter)).map(({ message }) => message);

    it('get ids without a gap, also after a failed commit and a reopening', async () => {
      const first = await store.commit({ events: ['1', '2', '3'].map((message) => testEvent(message)) });
      const failed = store.commit({ events: [testEvent('x')], commands: [testCommand('c', 'nothing')] });
      await expect(failed).rejects.toMatchObject(CONSTRAINT);
      const second = await store.commit({ events: [testEvent('4')] });
      store = throughClone(await opened.reopen());
      const third = await store.commit({ events: [testEvent('5')] });
      const all = [...first, ...second, ...third];
      expect(all.map(({ id, message }) => [id, message])).toEqual([1, 2, 3, 4, 5].map((id) => [id, String(id)]));
      expect(await store.events({ limit: 10 })).toEqual(all.reverse());
    });

    it('are answered by the commit as they are read later, whatever they hold', async () => {
      const text = { action: UNUSUAL_TEXT, actor: UNUSUAL_TEXT, address: UNUSUAL_TEXT, outcome: UNUSUAL_TEXT };
      const ids = { userId: UNUSUAL_TEXT, hostId: UNUSUAL_TEXT, hostName: UNUSUAL_TEXT, commandId: UNUSUAL_TEXT };
      const data = { [UNUSUAL_TEXT]: [LARGEST, null, '\0', LONE_SURROGATE] };
      const full = testEvent(UNUSUAL_TEXT, {
        ...text,
        ...ids,
        at: LARGEST,
        level: 'error',
        actorKind: 'operator',
        data,
      });
      const empty = testEvent('', { action: '', actor: '', at: 0 });
      const added = await store.commit({ events: [full, empty, testEvent('a\0b'), testEvent('x'.repeat(200_000))] });
      const { actorKind: _actorKind, userId: _userId, data: _data, ...shown } = full;
      expect(added[0]).toEqual({ ...shown, id: 1 });
      expect(added.map(({ message }) => message)).toEqual([UNUSUAL_TEXT, '', 'a\0b', 'x'.repeat(200_000)]);
      const stored = [...added].reverse();
      expect(await store.events({ limit: 10 })).toEqual(stored);
      store = throughClone(await opened.reopen());
      expect(await store.events({ limit: 10 })).toEqual(stored);
      expect(await store.events({ limit: 10, hostId: UNUSUAL_TEXT })).toEqual(added.slice(0, 1));
    });

    it('have a replacement for half a character, in the answer of the commit too', async () => {
      const half = testEvent(`a${LONE_SURROGATE}b`, { hostId: LONE_SURROGATE, actor: `\udc00${LONE_SURROGATE}` });
      const added = await store.commit({ events: [half] });
      const text = { message: `a${REPLACEMENT}b`, hostId: REPLACEMENT, actor: REPLACEMENT.repeat(2) };
      expect(added).toMatchObject([text]);
      expect(await store.events({ limit: 10, hostId: LONE_SURROGATE })).toEqual(added);
    });

    it('are filtered by host, category and id, the newest first', async () => {
      await store.commit({
        events: [
          testEvent('1', { hostId: 'a', category: 'command' }),
          testEvent('2', { hostId: 'b', category: 'command' }),
          testEvent('3', { hostId: 'a' }),
          testEvent('4', { hostId: 'a', category: 'command' }),
          testEvent('5', { category: 'auth' }),
        ],
      });
      expect(await messagesOf({ limit: 10 })).toEqual(['5', '4', '3', '2', '1']);
      expect(await messagesOf({ limit: 10, before: 3 })).toEqual(['2', '1']);
      expect(await messagesOf({ limit: 10, before: 1 })).toEqual([]);
      expect(await messagesOf({ limit: 2, before: LARGEST })).toEqual(['5', '4']);
      expect(await messagesOf({ limit: 10, hostId: 'a' })).toEqual(['4', '3', '1']);
      expect(await messagesOf({ limit: 10, category: 'command' })).toEqual(['4', '2', '1']);
      expect(await messagesOf({ limit: 10, category: 'command', hostId: 'a', before: 4 })).toEqual(['1']);
      expect(await messagesOf({ limit: 1, hostId: 'a' })).toEqual(['4']);
      expect(await messagesOf({ limit: 10, hostId: 'nothing' })).toEqual([]);
      expect(await messagesOf({ limit: 10, before: undefined, hostId: undefined, category: undefined })).toHaveLength(
        5,
      );
    });

    it('are at least 1 and at most 500 in an answer', async () => {
      await store.commit({ events: Array.from({ length: MAX_EVENTS + 1 }, (_, index) => testEvent(String(index))) });
      const counts = await Promise.all(
        [-1, 0, 1, MAX_EVENTS, MAX_EVENTS + 1, LARGEST].map(async (limit) => (await store.events({ limit })).length),
      );
      expect(counts).toEqual([1, 1, 1, MAX_EVENTS, MAX_EVENTS, MAX_EVENTS]);
    });
  });
}
