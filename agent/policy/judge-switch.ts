/** Judges a switch: whether it is one that is confirmed, as far as this host can do it, and the commit. */
import { unconfirmedBecause } from '../nixos/switch-system';
import type { OperationContext, OperationHost } from '../operation';
import { judgeCommit, type Judged } from './judge-commit';
import type { Refusal } from './refusal';

export async function judgeSwitch(host: OperationHost, context: OperationContext, commit: string): Promise<Judged> {
  const refusal = judgeConfirmation(host, context);
  return refusal === null ? judgeCommit(host, context, commit) : { ok: false, refusal };
}

/** Why a switch would not be confirmed although its policy asks for that; null when it would, or need not be. */
export function judgeConfirmation(host: OperationHost, { policy: state, confirm }: OperationContext): Refusal | null {
  if (state.kind !== 'set' || !state.policy.confirmed) return null;
  const refused = (why: string): Refusal => ({
    reason: 'not-confirmed',
    text: `its policy accepts only confirmed switches, and this one can’t be confirmed: ${why}`,
  });
  if (confirm === null) return refused('the dashboard did not ask for it');
  if (host.rootHelper() === null) return refused('this host switches without nixfleet-root');
  const why = unconfirmedBecause(host);
  return why === null ? null : refused(why);
}
