/** Rolls back to the previous generation. */
import type { AgentConfig } from './config';
import { previousHomeGeneration, rollBackHome } from './home/switch-home';
import { generationNumbers, pathOfGeneration } from './nixos/generations';
import { goToGeneration } from './nixos/switch-system';
import { readSystem } from './nixos/system-facts';
import { error, type OperationHost, type OperationContext, type OperationEnd } from './operation';
import { judgeGeneration } from './policy/judge-generation';
import { refusedEnd, type Refusal } from './policy/refusal';
import { activated, nixosRebuild, type FinalEnd } from './rebuild';

export async function runRollback(host: OperationHost, context: OperationContext): Promise<OperationEnd> {
  const { shell } = context;
  const commit = await host.repository.head();
  shell.say('🔄 Rolling back to previous generation...');
  let rolledBack: FinalEnd;
  if (host.config.hostType === 'nixos') {
    const helper = host.rootHelper();
    const previous = previousSystem(host.config);
    if (helper !== null && previous === null) return error(1, 'there is no previous generation');
    const refusal = judge(previous);
    if (refusal !== null) return refusedEnd(refusal);
    host.compartments.begin('system', 'Rollback in progress...');
    rolledBack =
      helper === null || previous === null
        ? await nixosRebuild(host, context, 'nixos-rebuild --rollback', ['--rollback', 'switch'])
        : await goToGeneration(host, context, helper, { purpose: 'rollback', ...previous, commit });
  } else {
    const previous = previousHomeGeneration(host);
    if ('problem' in previous) return error(1, previous.problem);
    const refusal = judge(previous);
    if (refusal !== null) return refusedEnd(refusal);
    host.compartments.begin('system', 'Rollback in progress...');
    rolledBack = await rollBackHome(host, context, previous);
  }
  return concludeRollback(host, context, rolledBack, commit);

  function judge(target: { number: number; path: string } | null): Refusal | null {
    const name = target === null ? 'the previous generation' : `generation ${target.number}`;
    return judgeGeneration(host.config, context.policy, name, target?.path ?? null);
  }
}

export function concludeRollback(
  host: OperationHost,
  { shell, stopping }: OperationContext,
  rolledBack: FinalEnd,
  commit: string,
): OperationEnd {
  const { settle } = rolledBack;
  if (rolledBack.kind === 'failed') {
    const { failure, exitCode } = rolledBack;
    host.compartments.set('system', stopping() ? 'unknown' : 'error', failure, commit);
    return { ...error(exitCode, failure), settle };
  }
  const end = activated(rolledBack, 'Rolled back to the previous generation');
  // The running system was built from an earlier commit.
  host.compartments.set('system', 'outdated', end.message || 'Rolled back to the previous generation', commit);
  host.compartments.set('tests', 'outdated', 'Tests not run — run Test to verify system after rollback', commit);
  if (end.status === 'ok') shell.say('✅ Rollback completed');
  else shell.say(`⚠️ ${end.message}`, 'stderr');
  return { ...end, settle };
}

/** The generation with the next lower number than the current one; null when there is none. */
function previousSystem(config: AgentConfig): { number: number; path: string } | null {
  const { generation } = readSystem(config);
  if (generation === null) return null;
  const numbers = generationNumbers(config.systemProfile).filter((each) => each < generation);
  if (numbers.length === 0) return null;
  const number = Math.max(...numbers);
  const path = pathOfGeneration(config, number);
  return path === null ? null : { number, path };
}
