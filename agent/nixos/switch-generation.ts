/** Switches to a generation of the system profile by its number, with that system's script and its boot entry. */
import { error, ok, type OperationContext, type OperationEnd, type OperationHost } from '../operation';
import { judgeGeneration } from '../policy/judge-generation';
import { refusedEnd } from '../policy/refusal';
import { activated, type FinalEnd } from '../rebuild';
import type { ActivationRecord } from './activation-record';
import { noGeneration, pathOfGeneration, revisionOf } from './generations';
import { goToGeneration } from './switch-system';
import { readSystem, runs } from './system-facts';

export async function switchGeneration(host: OperationHost, context: OperationContext): Promise<OperationEnd> {
  const { config, compartments, repository } = host;
  const { generation, shell } = context;
  const helper = host.rootHelper();
  if (helper === null)
    return error(1, 'nixfleet-root is not installed: it comes with the NixOS module of this version');
  if (generation === null) return error(1, 'the command names no generation');
  const path = pathOfGeneration(config, generation);
  if (path === null) return error(1, noGeneration(generation));
  const refusal = judgeGeneration(config, context.policy, `generation ${generation}`, path);
  if (refusal !== null) return refusedEnd(refusal);
  const before = readSystem(config);
  if (before.generation === generation && runs(before.running, path)) {
    const nothing = `Nothing to do: generation ${generation} runs and is already the boot default`;
    shell.say(`${nothing}.`);
    return ok(nothing);
  }
  compartments.begin('system', `Switching to generation ${generation}...`);
  const commit = await repository.head();
  const end = await goToGeneration(host, context, helper, {
    purpose: 'switch-generation',
    number: generation,
    path,
    commit,
  });
  return concludeGeneration(host, context, end, { generation, target: path, commit });
}

/** What follows from the end of the activation: the compartments, and the end of the operation. */
export function concludeGeneration(
  host: OperationHost,
  { shell, stopping }: OperationContext,
  end: FinalEnd,
  { generation, target, commit }: Pick<ActivationRecord, 'generation' | 'target' | 'commit'>,
): OperationEnd {
  const { settle } = end;
  if (end.kind === 'failed') {
    const { failure, exitCode } = end;
    host.compartments.set('system', stopping() ? 'unknown' : 'error', failure, commit);
    return { ...error(exitCode, failure), settle };
  }
  const done = generation === null ? 'Switched to another generation' : `Switched to generation ${generation}`;
  const result = activated(end, done);
  const isCurrent = commit !== '' && revisionOf(target) === commit && end.kind === 'done';
  host.compartments.set('system', isCurrent ? 'ok' : 'outdated', result.message || done, commit);
  host.compartments.set('tests', 'outdated', 'Tests not run — run Test to verify system', commit);
  if (result.status === 'ok') shell.say(`✅ ${done}`);
  else shell.say(`⚠️ ${result.message}`, 'stderr');
  return { ...result, ...(result.status === 'ok' ? { message: done } : {}), settle };
}
