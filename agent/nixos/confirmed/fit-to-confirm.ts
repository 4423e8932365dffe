/** Whether a switch can be confirmed, by the agents of the running system and of the new one. */
import { join } from 'node:path';
import { CONFIRM } from '@/lib/protocol/agent/capabilities';
import type { OperationHost } from '../../operation';
import { agentNames, agentPackages } from '../installed-agent';

const NO_NEXT_AGENT =
  'the new system has no NixFleet agent, so nobody could confirm it. Nothing has changed. If that is meant, switch without a confirmation';

/** Why no switch of this host can be confirmed, as a clause; null when one can. */
export function unconfirmedBecause({ unit, program }: Pick<OperationHost, 'unit' | 'program'>): string | null {
  if (unit === null) return null;
  const { own, named } = agentPackages({ unit, program });
  // The first switch that installs the agent, made by one from elsewhere: going back would remove it.
  return own !== null && named === null ? 'the running system has no NixFleet agent to go back to' : null;
}

export type ConfirmFit = { kind: 'confirmed' } | { kind: 'unconfirmed' | 'refused'; why: string };

/**
 * Whether a switch to a system can be confirmed, by the agents of the running system and of the new one. Found before
 * anything is activated: an agent that can't confirm would let the host go back at the end of its window.
 */
export function fitToConfirm(host: OperationHost, target: string): ConfirmFit {
  const { config, unit, program } = host;
  if (unit === null) return { kind: 'confirmed' };
  const why = unconfirmedBecause(host);
  if (why !== null) return { kind: 'unconfirmed', why };
  const { own } = agentPackages({ unit, program });
  // An agent from a checkout is none of a system.
  if (own === null) return { kind: 'confirmed' };
  // The agent of a user is no part of the system.
  if (!unit.startsWith(config.systemLink)) return { kind: 'confirmed' };
  const next = agentPackages({ unit: join(target, unit.slice(config.systemLink.length)), program }).named;
  if (next === null) return { kind: 'refused', why: NO_NEXT_AGENT };
  return next === own || agentNames(next, CONFIRM)
    ? { kind: 'confirmed' }
    : { kind: 'unconfirmed', why: 'the agent of the new system can’t take a switch back' };
}
