/** Creates all stores on one connection. */
import { z } from 'zod';
import type { Log } from '@/lib/log';
import { createAgentTokenStore } from '../sqlite/agent-token-store';
import { createAuthStore } from '../sqlite/auth-store';
import { createFleetStore } from '../sqlite/fleet-store';
import type { Direct } from '../sqlite/later';
import type { Db } from '../sqlite/open-database';
import { createSettingsStore } from '../sqlite/settings-store';
import { createMaintenanceStore } from './maintenance-store';
import type { PortName, StorePorts } from './store-engine';

/** The ports as SQLite implements them. */
export type DirectStores = { [Name in PortName]: Direct<StorePorts[Name]> };

export function createStores(db: Db, log: Log): DirectStores {
  return {
    fleet: createFleetStore(db, { log }),
    auth: createAuthStore(db),
    agentTokens: createAgentTokenStore(db),
    settings: createStoredSettings(db),
    maintenance: createMaintenanceStore(db),
  };
}

function createStoredSettings(db: Db): DirectStores['settings'] {
  const settings: {
    get(key: string, schema: z.ZodType): unknown;
    set(key: string, value: unknown, now: number): void;
    remove(key: string): void;
  } = createSettingsStore(db);
  return {
    get: (key) => settings.get(key, z.unknown()),
    set: (key, value, now) => settings.set(key, value, now),
    remove: (key) => settings.remove(key),
  };
}
