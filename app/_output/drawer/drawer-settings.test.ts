import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, DrawerSettingsStore, fittingHeight, KEPT_ABOVE_PX, MIN_HEIGHT_PX } from './drawer-settings';

function memory(value: string | null = null) {
  return {
    value,
    getItem() {
      return this.value;
    },
    setItem(_key: string, next: string) {
      this.value = next;
    },
  };
}

describe('DrawerSettingsStore', () => {
  it('stores settings and notifies listeners', () => {
    const storage = memory();
    const store = new DrawerSettingsStore(storage);
    let calls = 0;
    store.subscribe(() => (calls += 1));
    store.set({ height: 500 });
    store.set({ wrap: true });
    expect(calls).toBe(2);
    expect(new DrawerSettingsStore(storage).get()).toEqual({ height: 500, wrap: true, times: false });
  });

  it.each(['', 'x', '{}', '{"height":"500","wrap":true,"times":true}', '{"height":null,"wrap":true,"times":true}'])(
    'falls back to the defaults when the storage contains %j',
    (value) => {
      expect(new DrawerSettingsStore(memory(value)).get()).toEqual(DEFAULT_SETTINGS);
    },
  );
});

describe('fittingHeight', () => {
  it('leaves part of the page visible, and is never too small to read', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -100, max: 5_000 }),
        fc.integer({ min: 100, max: 3_000 }),
        (height, windowHeight) => {
          const fitting = fittingHeight(height, windowHeight);
          expect(fitting).toBeGreaterThanOrEqual(MIN_HEIGHT_PX);
          expect(fitting).toBeLessThanOrEqual(Math.max(MIN_HEIGHT_PX, windowHeight - KEPT_ABOVE_PX));
        },
      ),
    );
  });
});
