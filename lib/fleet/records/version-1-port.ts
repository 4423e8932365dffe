/** The port between the fleet and version-1 agents, which poll over HTTP. */
import type { AgentIdentity } from './agent-port';
import type { V1Command, V1Register, V1Status, V1TestProgress } from '@/lib/protocol/http/v1-agent';

/** One call of a version-1 agent with a valid token. */
export interface V1Call {
  /** The host's id as in the path, lower-case. */
  id: string;
  address: string;
  identity: AgentIdentity;
}

export type V1Answer =
  /** `command`: the command handed out with this answer. */
  | { kind: 'ok'; hostId: string; command: V1Command | null }
  /** Its token may not speak for this host. */
  | { kind: 'wrong-token' }
  | { kind: 'too-often'; retryAfterMs: number }
  /** The call could not be stored. */
  | { kind: 'unavailable'; reason: string };

/** The fleet as version-1 agents use it: they poll, nothing can be sent to them. */
export interface V1Inbox {
  /** First contact and heartbeat. */
  register(call: V1Call, body: V1Register): Promise<V1Answer>;
  poll(call: V1Call): Promise<V1Answer>;
  status(call: V1Call, body: V1Status): Promise<V1Answer>;
  testProgress(call: V1Call, body: V1TestProgress): Promise<V1Answer>;
}
