/** The data of the page: tokens, codes, pending agents and admission rules. Plain, because it is sent to the browser. */
import type { AgentAdministration, AgentTokenView, EnrolmentCodeView } from '@/lib/auth/agents/agent-service';
import type { AgentRule } from '@/lib/auth/agents/agent-settings';
import type { AgentIdentity, HeldAgent } from '@/lib/fleet/records/agent-port';
import type { HostView } from '@/lib/protocol/live/views/host-view';

export interface HostTokens {
  id: string;
  name: string;
  /** How its agent authenticated; null while it is offline. */
  connected: 'host' | 'shared' | 'version-1' | null;
  tokens: AgentTokenView[];
}

export interface AgentsView {
  hosts: HostTokens[];
  codes: EnrolmentCodeView[];
  held: HeldAgent[];
  sharedToken: AgentRule;
  approval: AgentRule;
}

export async function agentsView(
  hosts: readonly HostView[],
  access: Pick<AgentAdministration, 'tokens' | 'codes' | 'rule'>,
  held: readonly HeldAgent[],
  connectedAs: (hostId: string) => AgentIdentity | null,
): Promise<AgentsView> {
  const tokens = groupTokens(access.tokens());
  const connection = (host: HostView): HostTokens['connected'] => {
    if (!host.online) return null;
    if (host.protocol === 1) return 'version-1';
    return connectedAs(host.id)?.kind === 'host' ? 'host' : 'shared';
  };
  return {
    hosts: hosts
      .map((host) => ({
        id: host.id,
        name: host.name,
        connected: connection(host),
        tokens: tokens.get(host.id) ?? [],
      }))
      .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })),
    codes: await access.codes(),
    held: [...held].sort((a, b) => a.since - b.since),
    sharedToken: access.rule('sharedToken'),
    approval: access.rule('approval'),
  };
}

function groupTokens(tokens: readonly AgentTokenView[]): Map<string, AgentTokenView[]> {
  const byHost = new Map<string, AgentTokenView[]>();
  for (const token of tokens) byHost.set(token.hostId, [...(byHost.get(token.hostId) ?? []), token]);
  return byHost;
}
