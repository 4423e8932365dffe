/** The operator's settings of the drawer, stored in this browser. */
import * as z from 'zod/mini';

export interface DrawerSettings {
  /** Height of the drawer on wide screens, in CSS pixels. */
  height: number;
  wrap: boolean;
  times: boolean;
}

export const MIN_HEIGHT_PX = 180;
/** Height of the page that stays visible above the drawer. */
export const KEPT_ABOVE_PX = 120;
export const DEFAULT_SETTINGS: DrawerSettings = Object.freeze({ height: 360, wrap: false, times: false });
export const SETTINGS_KEY = 'nixfleet.drawer';

const storedSchema = z.object({ height: z.number(), wrap: z.boolean(), times: z.boolean() });

/** The nearest height that fits the window. */
export function fittingHeight(height: number, windowHeight: number): number {
  return Math.round(Math.max(MIN_HEIGHT_PX, Math.min(height, windowHeight - KEPT_ABOVE_PX)));
}

type SettingsStorage = Pick<Storage, 'getItem' | 'setItem'>;

export class DrawerSettingsStore {
  private settings: DrawerSettings;
  private readonly listeners = new Set<() => void>();
  private readonly storage: SettingsStorage | null;

  constructor(storage: SettingsStorage | null) {
    this.storage = storage;
    this.settings = restore(storage);
  }

  readonly get = (): DrawerSettings => this.settings;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  set(change: Partial<DrawerSettings>): void {
    this.settings = { ...this.settings, ...change };
    try {
      this.storage?.setItem(SETTINGS_KEY, JSON.stringify(this.settings));
    } catch {
      // The storage is full or forbidden: the settings last until the page is closed.
    }
    for (const listener of this.listeners) listener();
  }
}

function restore(storage: SettingsStorage | null): DrawerSettings {
  try {
    const parsed = storedSchema.safeParse(JSON.parse(storage?.getItem(SETTINGS_KEY) ?? 'null'));
    return parsed.success ? parsed.data : DEFAULT_SETTINGS;
  } catch {
    return DEFAULT_SETTINGS;
  }
}

let browserSettings: DrawerSettingsStore | null = null;

export function drawerSettings(): DrawerSettingsStore {
  if (typeof window === 'undefined') return new DrawerSettingsStore(null);
  browserSettings ??= new DrawerSettingsStore(localStorageOrNull());
  return browserSettings;
}

function localStorageOrNull(): SettingsStorage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
