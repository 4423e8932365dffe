/** Connects agent access with the database and the fleet, for the composition root. */
import { createAgentAccess, type AgentAccess } from '@/lib/auth/agents/agent-access';
import type { AgentTokenStore, SettingsStore } from '@/lib/auth/agents/agent-ports';
import type { WallClock, EventRecorder } from '@/lib/auth/operator/auth-ports';
import { createThrottle, type ThrottleStore } from '@/lib/auth/throttle';
import type { FleetLog } from '@/lib/fleet/records/environment';
import type { FleetOperator } from '@/lib/fleet/records/operator-port';
import type { Subscriber } from '@/lib/fleet/publish-to';

export interface AgentAccessParts {
  stores: { agentTokens: AgentTokenStore; settings: SettingsStore; auth: ThrottleStore };
  now: WallClock;
  sharedToken: string;
  settings: {
    agentTokenHashSecret: string | null;
    allowSharedAgentToken: boolean | null;
    agentApproval: boolean | null;
    rateLimit: number;
    rateWindowMs: number;
  };
  record: EventRecorder;
  log: FleetLog;
  /** Called only after the fleet was created, which needs agent access itself. */
  fleet: () => Pick<FleetOperator, 'enrolHost' | 'reconsiderAgents'>;
}

/** Reads tokens and rules from the stores. Rejects when the database can't be read. */
export async function wireAgentAccess(parts: AgentAccessParts): Promise<AgentAccess> {
  const { stores, now, sharedToken, settings, record, log, fleet } = parts;
  const access = await createAgentAccess({
    store: stores.agentTokens,
    settings: stores.settings,
    throttle: createThrottle(stores.auth, now, {
      freeFailures: settings.rateLimit,
      windowMs: settings.rateWindowMs,
    }),
    now,
    record,
    log,
    enrolHost: (hostName, address) => fleet().enrolHost(hostName, address),
    sharedToken,
    v1HashSecret: settings.agentTokenHashSecret,
    rules: { sharedToken: settings.allowSharedAgentToken, approval: settings.agentApproval },
  });
  access.onChange(() => fleet().reconsiderAgents());
  return access;
}

/** Lets agent access learn of removed hosts: their tokens are removed with them. */
export function removedHostsOf(access: Pick<AgentAccess, 'forgetHosts'>): Subscriber {
  return { hosts: (_patches, removed) => access.forgetHosts(removed) };
}
