/** Creates all stores on one connection. */
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
    settings: createSettingsStore(db),
    maintenance: createMaintenanceStore(db),
  };
}
