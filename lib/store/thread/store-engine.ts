/** All stores of the dashboard behind one interface, whichever thread has the file open. */
import type { AgentTokenStore, SettingsStore } from '@/lib/auth/agents/agent-ports';
import type { AuthStore } from '@/lib/auth/operator/auth-ports';
import type { FleetStore } from '@/lib/fleet/records/store-port';
import type { MaintenanceStore } from './maintenance-store';

/** The ports. Arguments and answers survive structured clone. */
export interface StorePorts {
  fleet: FleetStore;
  auth: AuthStore;
  agentTokens: AgentTokenStore;
  settings: SettingsStore;
  maintenance: MaintenanceStore;
}

export type PortName = keyof StorePorts;

/** How the store keeps up. A disk that hangs shows as a growing age. */
export interface StoreVitals {
  /** Calls that are not answered yet. */
  outstanding: number;
  /** Age of the oldest of them, milliseconds; 0 when there is none. */
  oldestMs: number;
}

export interface StoreEngine extends StorePorts {
  vitals(): StoreVitals;
  /**
   * Answers every call made before, writes the write-ahead log into the file, closes it and releases its lock. Calls made
   * later reject. Rejects with a DatabaseError when that fails; a second call gives the same answer.
   */
  stop(): Promise<void>;
}

/**
 * The methods that go to the reader: those that may read much. They see every commit that was answered before they were
 * called, and may miss one that was not. All others go to the writer, which answers in the order of the calls.
 */
export const METHODS_OF_READER: { readonly [Name in PortName]?: readonly (keyof StorePorts[Name])[] } = {
  fleet: ['output', 'events', 'eventsAfter', 'commandsOf', 'pipelines'],
};
