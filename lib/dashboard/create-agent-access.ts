/** Connects agent access with the database and the fleet, for the composition root. */
import { createAgentAccess, type AgentAccess } from '@/lib/auth/agents/agent-access';
import type { WallClock, EventRecorder } from '@/lib/auth/operator/auth-ports';
import { createThrottle } from '@/lib/auth/throttle';
import { createAgentTokenStore } from '@/lib/store/sqlite/agent-token-store';
import { createAuthStore } from '@/lib/store/sqlite/auth-store';
import type { Db } from '@/lib/store/sqlite/open-database';
import { createSettingsStore } from '@/lib/store/sqlite/settings-store';
import type { FleetOperator } from '@/lib/fleet/records/operator-port';

export interface AgentAccessParts {
  db: Db;
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
  /** Called only after the fleet was created, which needs agent access itself. */
  fleet: () => Pick<FleetOperator, 'enrolHost' | 'reconsiderAgents'>;
}

export function wireAgentAccess({ db, now, sharedToken, settings, record, fleet }: AgentAccessParts): AgentAccess {
  const access = createAgentAccess({
    store: createAgentTokenStore(db),
    settings: createSettingsStore(db),
    throttle: createThrottle(createAuthStore(db), now, {
      freeFailures: settings.rateLimit,
      windowMs: settings.rateWindowMs,
    }),
    now,
    record,
    enrolHost: (hostName, address) => fleet().enrolHost(hostName, address),
    sharedToken,
    v1HashSecret: settings.agentTokenHashSecret,
    rules: { sharedToken: settings.allowSharedAgentToken, approval: settings.agentApproval },
  });
  access.onChange(() => fleet().reconsiderAgents());
  return access;
}
