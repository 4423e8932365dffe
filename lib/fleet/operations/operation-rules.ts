/** What follows from the table of operations: whether one can be sent now, in which lane, and with which proof. */
import type { Blocked } from '../records/blocked';
import type { AgentFacts, HostFacts, Operation } from './operation';
import { nounPhrase } from './operation-words';
import { OPERATIONS } from './operations';
import { checkPolicy } from './policy-rules';
import { ACTIVATION, ROOT_HELPER_CAPABILITIES } from '@/lib/protocol/agent/capabilities';
import type { HostView } from '@/lib/protocol/live/views/host-view';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';

/**
 * The first reason why an operation can't be sent to a host now, or null. With `force`, only reasons that can't be
 * overridden. `now`: also that the host will refuse it at this time; null: that is left to the host.
 */
export function checkOperation(
  operation: Operation,
  facts: HostFacts,
  now: number | null,
  force = false,
): Blocked | null {
  const unsupported = checkAgent(operation, facts);
  if (unsupported) return unsupported;
  for (const precondition of operation.preconditions) {
    const blocked = precondition(facts);
    if (blocked && !(force && blocked.forceable)) return blocked;
  }
  return now === null || force ? null : checkPolicy(operation, facts, now);
}

/** Why an operation can't be sent to this many hosts at once, or null. Nothing overrides it. */
export function checkHostCount({ id, oneHost }: Operation, hosts: number): Blocked | null {
  if (!oneHost || hosts <= 1) return null;
  const reason = `The ${nounPhrase(id)} applies to one host, because the numbers differ from host to host.`;
  return { code: 'one-host', reason, unblock: null, forceable: false };
}

/** Why a host's agent can't be sent an operation at all, or null. Nothing overrides it. */
export function checkAgent({ id, needs }: Operation, facts: AgentFacts): Blocked | null {
  if (!needs.some((capability) => facts.missingCapabilities.includes(capability))) return null;
  const { name, agentVersion } = facts;
  if (facts.protocol === 1) {
    return {
      code: 'version-1',
      reason: `${name} has a version-1 agent, which can only pull and switch. Add this dashboard’s agent to its configuration first: the switch then replaces the old agent.`,
      unblock: 'pull-switch',
      forceable: false,
    };
  }
  const version = agentVersion === '' ? '' : ` (version ${agentVersion})`;
  // These capabilities come from the host's configuration, not only from the version of the agent.
  const needsRootHelper = needs.some((capability) => ROOT_HELPER_CAPABILITIES.includes(capability));
  const remedy =
    needsRootHelper && facts.missingCapabilities.includes(ACTIVATION)
      ? 'It needs NixOS and nixfleet-root, which the NixOS module of this version installs.'
      : 'Update the agent.';
  const reason = `The agent on ${name}${version} does not support the ${nounPhrase(id)}. ${remedy}`;
  return { code: 'unsupported', reason, unblock: null, forceable: false };
}

/** The dashboard's setting for confirmed switches. `windowS`: how long a host waits for its confirmation, in seconds. */
export interface ConfirmPolicy {
  enabled: boolean;
  windowS: number;
}

/** Whether a switch is sent as a confirmed one; `reason`: why not, as a clause. */
export type ConfirmPlan = { kind: 'confirmed'; windowS: number } | { kind: 'unconfirmed'; reason: string };

/** The facts of a host that say whether it can take a switch back. */
export type ConfirmFacts = AgentFacts & Pick<HostView, 'type' | 'hostsDashboard' | 'confirmSwitches' | 'policy'>;

/**
 * Whether an operation is a confirmed switch on a host; null for what is no switch. `choice`: that of the operator; null
 * when none was made.
 */
export function planConfirmation(
  { confirmable }: Operation,
  host: ConfirmFacts,
  policy: ConfirmPolicy,
  choice: boolean | null = null,
): ConfirmPlan | null {
  if (!confirmable) return null;
  const isOff = !policy.enabled && !isAlwaysConfirmed(host);
  const reason = isOff ? unwanted(host, policy, choice) : (cannotConfirm(host) ?? unwanted(host, policy, choice));
  return reason === null ? { kind: 'confirmed', windowS: policy.windowS } : { kind: 'unconfirmed', reason };
}

/**
 * Why a switch that could be confirmed shall not be, as a clause; null when it shall. The operator's choice for this switch counts
 * most, then what the host accepts and its setting, then that of the dashboard.
 */
export function unwanted(
  facts: Pick<ConfirmFacts, 'hostsDashboard' | 'confirmSwitches' | 'policy'>,
  { enabled }: ConfirmPolicy,
  choice: boolean | null,
): string | null {
  const isOn = isAlwaysConfirmed(facts);
  if (!enabled && !isOn) return 'confirmed switches are turned off';
  if (choice === false) return 'turned off for this switch';
  if (choice === true || isOn) return null;
  if (facts.confirmSwitches === 'off') return 'confirmed switches are turned off for this host';
  return facts.hostsDashboard
    ? 'a dashboard runs on this host, and after going back, the older dashboard could not read the database'
    : null;
}

/** Set so for the host, or the host accepts nothing else. */
const isAlwaysConfirmed = ({ confirmSwitches, policy }: Pick<ConfirmFacts, 'confirmSwitches' | 'policy'>): boolean =>
  confirmSwitches === 'on' || policy?.confirmed === true;

/** Why the agent of a host can't take a switch back, as a clause; null when it can. */
function cannotConfirm({ type, protocol, missingCapabilities }: ConfirmFacts): string | null {
  // Only commands of protocol 3 have an id, which the confirmation names.
  if (protocol >= 3 && !missingCapabilities.includes('confirm')) return null;
  if (type === 'macos') return 'macOS can’t take a switch back';
  if (protocol >= 3 && missingCapabilities.includes('activation')) return 'the agent does not use nixfleet-root';
  return 'the agent is too old';
}

/**
 * The lanes of a host: each runs one command at a time. `active`: the host's running command; `control`: a command that
 * acts on that one; `dashboardCommand`: an operation of the dashboard, which the host does not notice.
 */
export type Lane = 'active' | 'control' | 'dashboardCommand';

export function laneOf({ runs, bypassesBusy }: Operation): Lane {
  if (runs === 'dashboard') return 'dashboardCommand';
  return bypassesBusy ? 'control' : 'active';
}

/** True when the host itself does the work: not a dashboard operation, and not one that acts on another command. */
export function isDoneByHost({ runs, ends }: Operation): boolean {
  return runs === 'agent' && ends !== 'target';
}

/** Whether an operation on this many hosts needs a step-up proof. */
export function requiresStepUp(id: OperationId, hostCount: number): boolean {
  const { needsStepUp } = OPERATIONS[id];
  return needsStepUp === 'always' || (needsStepUp === 'bulk' && hostCount > 1);
}

/** True for an operation that needs a step-up proof only on several hosts. */
export function needsProofForMany(id: OperationId): boolean {
  return OPERATIONS[id].needsStepUp === 'bulk';
}

/** All of them. */
export const PROVEN_FOR_MANY: readonly OperationId[] = OPERATION_IDS.filter(needsProofForMany);

/** Why an operation that needs a step-up proof is refused without it. */
export function stepUpMissing(id: OperationId): Blocked {
  const reason = `The ${nounPhrase(id)} needs a fresh code from your authenticator app, or your password if no app is set up.`;
  return { code: 'step-up-required', reason, unblock: null, forceable: false };
}

/** The operation with this name on the wire, as in a status frame; null for an unknown name. */
export function operationOfWire(name: string): Operation | null {
  return (
    Object.values(OPERATIONS).find(
      (operation) => operation.wire?.kind === 'command' && operation.wire.command === name,
    ) ?? null
  );
}
