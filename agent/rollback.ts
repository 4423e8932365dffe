/** Rolls back to the previous generation. */
import { join } from 'node:path';
import { error, ok, outliving, type OperationHost, type OperationContext, type OperationEnd } from './operation';
import { exitCodeOf, failureOf, type RunEnd } from './shell';

const LIST_TIMEOUT_MS = 60_000;

export async function runRollback(host: OperationHost, context: OperationContext): Promise<OperationEnd> {
  const { shell } = context;
  const commit = await host.repository.head();
  shell.say('🔄 Rolling back to previous generation...');
  let run: RunEnd;
  let name = 'nixos-rebuild --rollback';
  if (host.config.hostType === 'nixos') {
    host.compartments.begin('system', 'Rollback in progress...');
    run = await shell.run('sudo', ['nixos-rebuild', '--rollback', 'switch']);
  } else {
    const list = await shell.run('home-manager', ['generations'], { timeoutMs: LIST_TIMEOUT_MS });
    if (!list.ok) return error(exitCodeOf(list.end), failureOf('home-manager generations', list));
    const previous = previousGeneration(list.stdout);
    if (previous === null) return error(1, 'there is no previous generation');
    name = 'the activation';
    host.compartments.begin('system', 'Rollback in progress...');
    run = await shell.run(join(previous, 'activate'), [], outliving(host));
  }
  if (!run.ok) {
    const failure = failureOf(name, run);
    host.compartments.set('system', context.stopping() ? 'unknown' : 'error', failure, commit);
    return error(exitCodeOf(run.end), failure);
  }
  // The running system was built from an earlier commit.
  host.compartments.set('system', 'outdated', 'Rolled back to the previous generation', commit);
  host.compartments.set('tests', 'outdated', 'Tests not run — run Test to verify system after rollback', commit);
  shell.say('✅ Rollback completed');
  return ok();
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
