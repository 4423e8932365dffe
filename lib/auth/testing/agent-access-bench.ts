/** Agent access on a real database, with a clock that a test moves. */
import { afterEach, beforeEach } from 'vitest';
import { newHost } from '@/lib/fleet/hosts/host';
import { recordedEvent, type RecordedEvent } from '@/lib/fleet/testing/recorded-event';
import { createAgentTokenStore } from '@/lib/store/sqlite/agent-token-store';
import { createAuthStore } from '@/lib/store/sqlite/auth-store';
import { createFleetStore } from '@/lib/store/sqlite/fleet-store';
import { answerLater, type Direct } from '@/lib/store/sqlite/later';
import { createSettingsStore } from '@/lib/store/sqlite/settings-store';
import { openTestDatabase, type TestDatabase } from '@/lib/store/sqlite/testing/database';
import { createAgentAccess, type AgentAccess, type AgentAccessOptions } from '../agents/agent-access';
import type { AgentTokenStore, SettingsStore } from '../agents/agent-ports';
import { createThrottle, type ThrottleStore } from '../throttle';

export const SHARED = 'the shared token of the fleet';
export const BY = { userId: 'operator', userName: 'operator', address: '192.0.2.7' };
export const HERE = '198.51.100.1';
export const HOUR_MS = 3_600_000;

/** What stands between agent access and its stores, as a thread does. */
type Through = <Port>(direct: Direct<Port>) => Port;

export interface AgentAccessBench {
  readonly database: TestDatabase;
  /** Epoch milliseconds. */
  readonly clock: { now: number };
  readonly events: RecordedEvent[];
  /** How often tokens or rules changed. */
  changes: number;
  /** What the functions below ask. A test may replace it by one that it started. */
  access: AgentAccess;
  /** Starts another agent access on the same database. */
  readonly start: (more?: Partial<AgentAccessOptions>, through?: Through) => Promise<AgentAccess>;
  /** Adds a host whose id is its name. */
  readonly addHost: (name: string) => { id: string; name: string };
  /** Identifies an agent and waits until its use is stored. */
  readonly identify: (token: string, address?: string) => ReturnType<AgentAccess['identify']>;
  /** The HTTP status for an agent with this token. */
  readonly statusOf: (token: string, address?: string) => Promise<number>;
}

/** A new database, clock and agent access for each test. */
export function useAgentAccessBench(): AgentAccessBench {
  let database: TestDatabase;
  let clock: { now: number };
  let events: RecordedEvent[];
  let changes: number;
  let access: AgentAccess;

  function addHost(name: string): { id: string; name: string } {
    createFleetStore(database.db, { log: database.log }).commit({ hosts: [newHost(name, name, clock.now)] });
    return { id: name, name };
  }

  async function start(more: Partial<AgentAccessOptions> = {}, through: Through = answerLater): Promise<AgentAccess> {
    const throttles = through<ThrottleStore>(createAuthStore(database.db));
    const made = await createAgentAccess({
      store: through<AgentTokenStore>(createAgentTokenStore(database.db)),
      settings: through<SettingsStore>(createSettingsStore(database.db)),
      throttle: createThrottle(throttles, () => clock.now, { freeFailures: 3, windowMs: 60_000 }),
      now: () => clock.now,
      record: (event) => void events.push(recordedEvent(event)),
      log: database.log,
      enrolHost: (hostName) => ({ ok: true, hostId: addHost(hostName).id }),
      sharedToken: SHARED,
      v1HashSecret: null,
      rules: { sharedToken: null, approval: null },
      ...more,
    });
    made.onChange(() => (changes += 1));
    return made;
  }

  beforeEach(async () => {
    database = openTestDatabase();
    clock = { now: 1_800_000_000_000 };
    events = [];
    changes = 0;
    access = await start();
  });
  afterEach(() => database.close());

  async function identify(token: string, address = HERE) {
    const answer = await access.identify(`Bearer ${token}`, address);
    await access.settled();
    return answer;
  }

  return {
    get database() {
      return database;
    },
    get clock() {
      return clock;
    },
    get events() {
      return events;
    },
    get changes() {
      return changes;
    },
    set changes(count) {
      changes = count;
    },
    get access() {
      return access;
    },
    set access(next) {
      access = next;
    },
    start,
    addHost,
    identify,
    async statusOf(token, address = HERE) {
      const answer = await identify(token, address);
      return answer.kind === 'refused' ? answer.status : 200;
    },
  };
}
