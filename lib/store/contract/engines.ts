/** The engines that every contract suite runs against. */
import { afterAll, beforeAll } from 'vitest';
import type { AgentTokenStore, SettingsStore } from '@/lib/auth/agents/agent-ports';
import type { AuthStore } from '@/lib/auth/operator/auth-ports';
import { newHost } from '@/lib/fleet/hosts/host';
import type { FleetStore } from '@/lib/fleet/records/store-port';
import { openTestDatabase, type TestDatabase } from '../sqlite/testing/database';
import { openHere } from '../thread/open-here';
import type { PortName, StorePorts } from '../thread/store-engine';
import { bundleThread, callTesting, type BundledThread } from '../thread/testing/bundled-thread';
import { openTestEngine, type TestEngine } from '../thread/testing/engines';
import { TOKEN_HOSTS } from './agent-token-store.contract';
import type { Open, OpenPort } from './contract';
import type { MaintainedStores } from './maintenance-store.contract';

export interface ContractEngine {
  name: string;
  fleet: Open<FleetStore>;
  auth: Open<AuthStore>;
  /** Holds the hosts `TOKEN_HOSTS`, which tokens refer to. */
  agentTokens: Open<AgentTokenStore>;
  settings: Open<SettingsStore>;
  maintenance: Open<MaintainedStores>;
}

let bundle: BundledThread;
let threads: TestEngine | null = null;
beforeAll(async () => {
  bundle = await bundleThread();
});
afterAll(async () => {
  await threads?.close();
  bundle.remove();
});

export const ENGINES: readonly ContractEngine[] = [
  createEngine('SQLite in this thread', openInThisThread),
  createEngine('SQLite in threads', openInThreads),
];

function createEngine(name: string, open: Open<StorePorts>): ContractEngine {
  return {
    name,
    fleet: portOf(open, 'fleet'),
    auth: portOf(open, 'auth'),
    agentTokens: portOf(async () => {
      const opened = await open();
      await opened.store.fleet.commit({ hosts: TOKEN_HOSTS.map((id) => newHost(id, id, 0)) });
      return opened;
    }, 'agentTokens'),
    settings: portOf(open, 'settings'),
    maintenance: open,
  };
}

function portOf<Name extends PortName>(open: Open<StorePorts>, name: Name): Open<StorePorts[Name]> {
  return async () => {
    const opened = await open();
    return { ...opened, store: opened.store[name], reopen: async () => (await opened.reopen())[name] };
  };
}

function openInThisThread(): Promise<OpenPort<StorePorts>> {
  const database = openTestDatabase();
  const refuse = (isRefusing: boolean) => database.db.$client.pragma(`query_only = ${isRefusing ? 'on' : 'off'}`);
  return Promise.resolve({
    store: openHere(database.db, database),
    reopen: () => Promise.resolve(openHere(database.reopen(), database)),
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

/** A start of threads takes long, so that all tests of a file use the same ones: each finds the database empty. */
async function openInThreads(): Promise<OpenPort<StorePorts>> {
  const { engine } = (threads ??= await startThreads(openTestDatabase()));
  return {
    store: engine,
    async reopen() {
      const { engine: before, test } = runningThreads();
      await before.stop();
      test.reopen();
      threads = await startThreads(test);
      return threads.engine;
    },
    refuse: (isRefusing) => callTesting(runningThreads().workers.writer, 'refuse', isRefusing),
    async close() {
      const { writer } = runningThreads().workers;
      await callTesting(writer, 'refuse', false);
      await callTesting(writer, 'empty');
    },
  };
}

function startThreads(test: TestDatabase): Promise<TestEngine> {
  return openTestEngine({ test, startWorker: (file, role) => bundle.start(file, role) });
}

function runningThreads(): TestEngine {
  if (threads === null) throw new Error('No engine is open.');
  return threads;
}
