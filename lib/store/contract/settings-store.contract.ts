/** The contract of `SettingsStore`. */
import { describe, expect, it } from 'vitest';
import type { SettingsStore } from '@/lib/auth/agents/agent-ports';
import { LARGEST, REFUSAL, UNUSUAL_TEXT, type Open, useStore } from './contract';

export function settingsStoreContract(name: string, open: Open<SettingsStore>): void {
  describe(`settings: ${name}`, () => {
    let store: SettingsStore;
    const { reopen, refuse } = useStore(open, (made) => (store = made));

    it('gives null for what was never set', async () => {
      expect(await store.get('nothing')).toBeNull();
      expect(await store.get('')).toBeNull();
    });

    it('keeps the last value of each name, also across a reopening', async () => {
      await store.set('one', 1, 10);
      await store.set('two', 2, 10);
      await store.set('one', 3, 5);
      expect([await store.get('one'), await store.get('two')]).toEqual([3, 2]);
      const again = await reopen();
      expect([await again.get('one'), await again.get('two')]).toEqual([3, 2]);
    });

    it('gives back any JSON value as it was set, also across a reopening', async () => {
      const list = { list: [1, 'two', null, [UNUSUAL_TEXT]], empty: {}, [UNUSUAL_TEXT]: LARGEST };
      const values = [true, null, LARGEST, -0.125, '', UNUSUAL_TEXT, list, 'x'.repeat(300_000)];
      for (const [index, value] of values.entries()) await store.set(`${UNUSUAL_TEXT} ${index}`, value, LARGEST);
      const read = (from: SettingsStore) => Promise.all(values.map((_, index) => from.get(`${UNUSUAL_TEXT} ${index}`)));
      expect(await read(store)).toEqual(values);
      expect(await read(await reopen())).toEqual(values);
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

    it('changes nothing when the database refuses the write, and can still be read', async () => {
      await store.set('one', 1, 0);
      await refuse(true);
      await expect(store.set('one', 2, 0)).rejects.toMatchObject(REFUSAL);
      await expect(store.set('two', 2, 0)).rejects.toMatchObject(REFUSAL);
      await expect(store.remove('one')).rejects.toMatchObject(REFUSAL);
      expect([await store.get('one'), await store.get('two')]).toEqual([1, null]);
      await refuse(false);
      await store.set('one', 2, 0);
      expect(await store.get('one')).toBe(2);
    });
  });
}
