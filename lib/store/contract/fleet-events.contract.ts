/** The contract of `FleetStore` for events. */
import { describe, expect, it } from 'vitest';
import type { EventFilter, FleetStore } from '@/lib/fleet/records/store-port';
import type { NewEvent } from '@/lib/fleet/records/event-record';
import { testCommand, testEvent, testEventOf, textOf } from '../sqlite/testing/sample-records';
import {
  CONSTRAINT,
  LARGEST,
  LONE_SURROGATE,
  REPLACEMENT,
  throughClone,
  UNUSUAL_TEXT,
  type Open,
  useStore,
} from './contract';

/** Most events that one answer has. */
const MAX_EVENTS = 500;

export function fleetEventsContract(name: string, open: Open<FleetStore>): void {
  describe(`events: ${name}`, () => {
    let store: FleetStore;
    const { reopen } = useStore(open, (made) => (store = throughClone(made)));

    const textsOf = async (filter: EventFilter) => (await store.events(filter)).map(textOf);

    it('get ids without a gap, also after a failed commit and a reopening', async () => {
      const first = await store.commit({ events: ['1', '2', '3'].map((text) => testEvent(text)) });
      const failed = store.commit({ events: [testEvent('x')], commands: [testCommand('c', 'nothing')] });
      await expect(failed).rejects.toMatchObject(CONSTRAINT);
      const second = await store.commit({ events: [testEvent('4')] });
      await reopen();
      const third = await store.commit({ events: [testEvent('5')] });
      const all = [...first, ...second, ...third];
      expect(all.map((event) => [event.id, textOf(event)])).toEqual([1, 2, 3, 4, 5].map((id) => [id, String(id)]));
      expect(await store.events({ limit: 10 })).toEqual(all.reverse());
    });

    it('are answered by the commit as they are read later, whatever they hold', async () => {
      const ids = { userId: UNUSUAL_TEXT, hostId: UNUSUAL_TEXT, hostName: UNUSUAL_TEXT, commandId: UNUSUAL_TEXT };
      const head = { ...ids, at: LARGEST, actor: UNUSUAL_TEXT, address: UNUSUAL_TEXT, actorKind: 'operator' } as const;
      const args = { [UNUSUAL_TEXT]: [LARGEST, null, '\0', LONE_SURROGATE] };
      const full: NewEvent = {
        ...testEvent('', head),
        action: 'command.requested',
        params: { operation: 'pull', forced: true, args },
      };
      const empty = testEvent('', { actor: '', at: 0 });
      const added = await store.commit({ events: [full, empty, testEvent('a\0b'), testEvent('x'.repeat(200_000))] });
      const { actorKind: _actorKind, userId: _userId, ...shown } = full;
      expect(added[0]).toEqual({ ...shown, id: 1, category: 'command', level: 'info', outcome: '' });
      expect(added.slice(1).map(textOf)).toEqual(['', 'a\0b', 'x'.repeat(200_000)]);
      const stored = [...added].reverse();
      expect(await store.events({ limit: 10 })).toEqual(stored);
      await reopen();
      expect(await store.events({ limit: 10 })).toEqual(stored);
      expect(await store.events({ limit: 10, hostId: UNUSUAL_TEXT })).toEqual(added.slice(0, 1));
    });

    it('replace half a character, also in the answer of the commit, but not in parameters', async () => {
      const half = testEvent(`a${LONE_SURROGATE}b`, { hostId: LONE_SURROGATE, actor: `\udc00${LONE_SURROGATE}` });
      const added = await store.commit({ events: [half] });
      expect(added).toMatchObject([{ hostId: REPLACEMENT, actor: REPLACEMENT.repeat(2) }]);
      expect(added.map(textOf)).toEqual([`a${LONE_SURROGATE}b`]);
      expect(await store.events({ limit: 10, hostId: LONE_SURROGATE })).toEqual(added);
    });

    it('are filtered by host, category and id, the newest first', async () => {
      await store.commit({
        events: [
          testEventOf('command', '1', { hostId: 'a' }),
          testEventOf('command', '2', { hostId: 'b' }),
          testEventOf('agent', '3', { hostId: 'a' }),
          testEventOf('command', '4', { hostId: 'a' }),
          testEventOf('auth', '5'),
        ],
      });
      expect(await textsOf({ limit: 10 })).toEqual(['5', '4', '3', '2', '1']);
      expect(await textsOf({ limit: 10, before: 3 })).toEqual(['2', '1']);
      expect(await textsOf({ limit: 10, before: 1 })).toEqual([]);
      expect(await textsOf({ limit: 2, before: LARGEST })).toEqual(['5', '4']);
      expect(await textsOf({ limit: 10, hostId: 'a' })).toEqual(['4', '3', '1']);
      expect(await textsOf({ limit: 10, category: 'command' })).toEqual(['4', '2', '1']);
      expect(await textsOf({ limit: 10, category: 'command', hostId: 'a', before: 4 })).toEqual(['1']);
      expect(await textsOf({ limit: 1, hostId: 'a' })).toEqual(['4']);
      expect(await textsOf({ limit: 10, hostId: 'nothing' })).toEqual([]);
      expect(await textsOf({ limit: 10, before: undefined, hostId: undefined, category: undefined })).toHaveLength(5);
    });

    it('are at least 1 and at most 500 in an answer', async () => {
      await store.commit({ events: Array.from({ length: MAX_EVENTS + 1 }, (_, index) => testEvent(String(index))) });
      const counts = await Promise.all(
        [-1, 0, 1, MAX_EVENTS, MAX_EVENTS + 1, LARGEST].map(async (limit) => (await store.events({ limit })).length),
      );
      expect(counts).toEqual([1, 1, 1, MAX_EVENTS, MAX_EVENTS, MAX_EVENTS]);
    });

    it('after an id are answered the oldest first, as `events` has them, also after a reopening', async () => {
      const added = await store.commit({ events: ['1', '2', '3'].map((text) => testEvent(text)) });
      expect(await store.eventsAfter(0, 10)).toEqual(added);
      expect(await store.eventsAfter(1, 1)).toEqual(added.slice(1, 2));
      expect(await store.eventsAfter(-LARGEST, 2)).toEqual(added.slice(0, 2));
      expect(await store.eventsAfter(3, 10)).toEqual([]);
      expect(await store.eventsAfter(LARGEST, 10)).toEqual([]);
      await reopen();
      const [fourth] = await store.commit({ events: [testEvent('4')] });
      expect(await store.eventsAfter(2, 10)).toEqual([added[2], fourth]);
    });

    it('after an id are read completely, page by page, while others are added', async () => {
      await store.commit({ events: Array.from({ length: 7 }, (_, index) => testEvent(String(index))) });
      const read: number[] = [];
      for (
        let page = await store.eventsAfter(0, 3);
        page.length > 0;
        page = await store.eventsAfter(read.at(-1) ?? 0, 3)
      ) {
        if (read.length === 0) await store.commit({ events: [testEvent('meanwhile')] });
        read.push(...page.map(({ id }) => id));
      }
      expect(read).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    });

    it('after an id are at least 1 and at most 500 in an answer', async () => {
      await store.commit({ events: Array.from({ length: MAX_EVENTS + 1 }, (_, index) => testEvent(String(index))) });
      const counts = await Promise.all(
        [-1, 0, 1, MAX_EVENTS, MAX_EVENTS + 1, LARGEST].map(
          async (limit) => (await store.eventsAfter(0, limit)).length,
        ),
      );
      expect(counts).toEqual([1, 1, 1, MAX_EVENTS, MAX_EVENTS, MAX_EVENTS]);
    });
  });
}
