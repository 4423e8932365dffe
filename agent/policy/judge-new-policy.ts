/**
 * Judges the commit of a new system by the policy that this system brings. One that it does not satisfy itself is a
 * mistake in most cases, such as a branch that does not exist: from then on, the host would refuse every switch, also
 * the one that repairs it.
 */
import type { OperationContext } from '../operation';
import { judgeBy, type JudgingHost } from './judge-commit';
import { policyAfter, type PolicyPlace } from './judge-generation';
import { judgesCommits } from './judge-operation';
import type { Policy } from './policy-file';

/** Why a system that was built from the commit must not be activated, as a sentence without its end; null for any other. */
export async function refusedByNewPolicy(
  host: JudgingHost & { config: PolicyPlace },
  context: Pick<OperationContext, 'shell' | 'policy'>,
  { target, commit }: { target: string; commit: string },
): Promise<string | null> {
  const after = policyAfter(host.config, target);
  if (after.kind !== 'set' || !judgesCommits(after.policy) || commit === '') return null;
  const { policy: now } = context;
  // By the same rules it was judged before it was built.
  if (now.kind === 'set' && commitRules(now.policy) === commitRules(after.policy)) return null;
  const judged = await judgeBy(host, context, after.policy, commit);
  return judged.ok
    ? null
    : `the policy of the new system would not accept this commit itself: ${judged.refusal.text}. Nothing has changed`;
}

const commitRules = ({ branches, signers, oldestCommit }: Policy): string =>
  JSON.stringify([branches, signers?.content ?? null, oldestCommit]);
