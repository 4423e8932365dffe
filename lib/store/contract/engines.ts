/** The engines that every contract suite runs against. */
import type { AgentTokenStore, SettingsStore } from '@/lib/auth/agents/agent-ports';
import type { AuthStore } from '@/lib/auth/operator/auth-ports';
import { newHost } from '@/lib/fleet/hosts/host';
import { createAgentTokenStore } from '../sqlite/agent-token-store';
import { createAuthStore } from '../sqlite/auth-store';
import { createFleetStore } from '../sqlite/fleet-store';
import { answerLater, type Direct } from '../sqlite/later';
import type { Db } from '../sqlite/open-database';
import { createSettingsStore } from '../sqlite/settings-store';
import { openTestDatabase } from '../sqlite/testing/database';
import { TOKEN_HOSTS } from './agent-token-store.contract';
import type { Open, OpenPort } from './contract';

export interface ContractEngine {
  name: string;
  auth: Open<AuthStore>;
  /** Holds the hosts `TOKEN_HOSTS`, which tokens refer to. */
  agentTokens: Open<AgentTokenStore>;
  settings: Open<SettingsStore>;
}

export const ENGINES: readonly ContractEngine[] = [
  {
    name: 'SQLite in this thread',
    auth: () => openHere<AuthStore>(createAuthStore),
    agentTokens: () => openHere<AgentTokenStore>(createAgentTokenStore, TOKEN_HOSTS),
    settings: () => openHere<SettingsStore>(createSettingsStore),
  },
];

function openHere<Port>(create: (db: Db) => Direct<Port>, hosts: readonly string[] = []): Promise<OpenPort<Port>> {
  const database = openTestDatabase();
  createFleetStore(database.db, { log: database.log }).commit({ hosts: hosts.map((id) => newHost(id, id, 0)) });
  const refuse = (isRefusing: boolean) => database.db.$client.pragma(`query_only = ${isRefusing ? 'on' : 'off'}`);
  return Promise.resolve({
    store: answerLater<Port>(create(database.db)),
    reopen: () => Promise.resolve(answerLater<Port>(create(database.reopen()))),
    refuse(isRefusing) {
      refuse(isRefusing);
      return Promise.resolve();
    },
    close() {
      refuse(false);
      database.close();
      return Promise.resolve();
    },
  });
}
