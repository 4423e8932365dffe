/** The contract of `SettingsStore`. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SettingsStore } from '@/lib/auth/agents/agent-ports';
import { LARGEST, REFUSAL, UNUSUAL_TEXT, type Open, type OpenPort } from './contract';

export function settingsStoreContract(name: string, open: Open<SettingsStore>): void {
  describe(`settings: ${name}`, () => {
    let opened: OpenPort<SettingsStore>;
    let store: SettingsStore;
    beforeEach(async () => {
      opened = await open();
      ({ store } = opened);
    });
    afterEach(() => opened.close());

    it('gives null for what was never set', async () => {
      expect(await store.get('nothing')).toBeNull();
      expect(await store.get('')).toBeNull();
    });

    it('keeps the last value of each name, also across a reopening', async () => {
      await store.set('one', 1, 10);
      await store.set('two', 2, 10);
      await store.set('one', 3, 5);
      expect([await store.get('one'), await store.get('two')]).toEqual([3, 2]);
      const again = await opened.reopen();
      expect([await again.get('one'), await again.get('two')]).toEqual([3, 2]);
    });

    it.each([
      ['true', true],
      ['null', null],
      ['the largest integer', LARGEST],
      ['a fraction', -0.125],
      ['an empty text', ''],
      ['unusual text', UNUSUAL_TEXT],
      ['lists and objects', { list: [1, 'two', null, [UNUSUAL_TEXT]], empty: {}, [UNUSUAL_TEXT]: LARGEST }],
      ['a long text', 'x'.repeat(300_000)],
    ])('gives back %s as it was set', async (_what, value) => {
      await store.set(UNUSUAL_TEXT, value, LARGEST);
      expect(await store.get(UNUSUAL_TEXT)).toEqual(value);
      expect(await (await opened.reopen()).get(UNUSUAL_TEXT)).toEqual(value);
    });

    it('removes a value, and nothing else', async () => {
      await store.set('one', 1, 0);
      await store.set('two', 2, 0);
      await store.remove('one');
      await store.remove('nothing');
      expect([await store.get('one'), await store.get('two')]).toEqual([null, 2]);
    });

    it('keeps a whole value of those that were set at the same moment', async () => {
      const values = Array.from({ length: 20 }, (_, index) => ({ index, text: String(index).repeat(500) }));
      await Promise.all(values.map((value) => store.set('raced', value, 0)));
      expect(values).toContainEqual(await store.get('raced'));
    });

    it('changes nothing when it refuses, and is read meanwhile', async () => {
      await store.set('one', 1, 0);
      await opened.refuse(true);
      await expect(store.set('one', 2, 0)).rejects.toMatchObject(REFUSAL);
      await expect(store.set('two', 2, 0)).rejects.toMatchObject(REFUSAL);
      await expect(store.remove('one')).rejects.toMatchObject(REFUSAL);
      expect([await store.get('one'), await store.get('two')]).toEqual([1, null]);
      await opened.refuse(false);
      await store.set('one', 2, 0);
      expect(await store.get('one')).toBe(2);
    });
  });
}
