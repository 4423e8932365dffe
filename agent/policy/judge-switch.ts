/** Judges a switch: whether it is one that is confirmed, as far as this host can do it, and the commit. */
import { unconfirmedBecause } from '../nixos/confirmed/fit-to-confirm';
import type { OperationContext, OperationHost } from '../operation';
import { judgeCommit, type Judged } from './judge-commit';
import type { Refusal } from './refusal';

export async function judgeSwitch(host: OperationHost, context: OperationContext, commit: string): Promise<Judged> {
  const refusal = judgeConfirmation(host, context);
  return refusal === null ? judgeCommit(host, context, commit) : { ok: false, refusal };
}

/** Why a switch would not be confirmed although its policy asks for that; null when it would, or need not be. */
export function judgeConfirmation(host: OperationHost, context: OperationContext): Refusal | null {
  if (context.confirm === null) return unconfirmedRefusal(context, 'the dashboard did not ask for it');
  if (host.rootHelper() === null) return unconfirmedRefusal(context, 'this host switches without nixfleet-root');
  const why = unconfirmedBecause(host);
  return why === null ? null : unconfirmedRefusal(context, why);
}

/** The refusal of a switch that can't be confirmed; null where the policy does not ask for that. `why`: a clause. */
export function unconfirmedRefusal({ policy: state }: Pick<OperationContext, 'policy'>, why: string): Refusal | null {
  if (state.kind !== 'set' || !state.policy.confirmed) return null;
  return {
    reason: 'not-confirmed',
    text: `its policy accepts only confirmed switches, and this one can’t be confirmed: ${why}`,
  };
}
