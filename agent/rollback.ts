/** Rolls back to the previous generation. */
import { join } from 'node:path';
import { error, outliving, type OperationHost, type OperationContext, type OperationEnd } from './operation';
import { activated, judged, nixosRebuild, type RebuildEnd } from './rebuild';
import { exitCodeOf, failureOf } from './shell';

const LIST_TIMEOUT_MS = 60_000;

export async function runRollback(host: OperationHost, context: OperationContext): Promise<OperationEnd> {
  const { shell } = context;
  const commit = await host.repository.head();
  shell.say('🔄 Rolling back to previous generation...');
  let rolledBack: RebuildEnd;
  if (host.config.hostType === 'nixos') {
    host.compartments.begin('system', 'Rollback in progress...');
    rolledBack = await nixosRebuild(host, shell, 'nixos-rebuild --rollback', ['--rollback', 'switch']);
  } else {
    const list = await shell.run('home-manager', ['generations'], { timeoutMs: LIST_TIMEOUT_MS });
    if (!list.ok) return error(exitCodeOf(list.end), failureOf('home-manager generations', list));
    const previous = previousGeneration(list.stdout);
    if (previous === null) return error(1, 'there is no previous generation');
    host.compartments.begin('system', 'Rollback in progress...');
    rolledBack = await judged('the activation', () => shell.run(join(previous, 'activate'), [], outliving(host)));
  }
  if (rolledBack.kind === 'failed') {
    const { failure, run } = rolledBack;
    host.compartments.set('system', context.stopping() ? 'unknown' : 'error', failure, commit);
    return error(exitCodeOf(run.end), failure);
  }
  const end = activated(rolledBack, 'Rolled back to the previous generation');
  // The running system was built from an earlier commit.
  host.compartments.set('system', 'outdated', end.message || 'Rolled back to the previous generation', commit);
  host.compartments.set('tests', 'outdated', 'Tests not run — run Test to verify system after rollback', commit);
  if (end.status === 'ok') shell.say('✅ Rollback completed');
  else shell.say(`⚠️ ${end.message}`, 'stderr');
  return end;
}

/** The path of the generation before the newest, by number: `2026-01-22 17:14 : id 100 -> /nix/store/…`. */
export function previousGeneration(lines: readonly string[]): string | null {
  const generations = lines
    .flatMap((line) => {
      const match = /\bid (\d+) -> (\/\S+)/.exec(line);
      return match?.[1] !== undefined && match[2] !== undefined ? [{ id: Number(match[1]), path: match[2] }] : [];
    })
    .sort((a, b) => b.id - a.id);
  return generations[1]?.path ?? null;
}
