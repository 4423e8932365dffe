/** Rolls back to the previous generation. */
import { readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { AgentConfig } from './config';
import { rollBackNixos } from './nixos/switch-system';
import { readSystem } from './nixos/system-facts';
import { error, outliving, type OperationHost, type OperationContext, type OperationEnd } from './operation';
import { activated, judged, nixosRebuild, type FinalEnd } from './rebuild';
import { exitCodeOf, failureOf } from './shell';

const LIST_TIMEOUT_MS = 60_000;

export async function runRollback(host: OperationHost, context: OperationContext): Promise<OperationEnd> {
  const { shell } = context;
  const commit = await host.repository.head();
  shell.say('🔄 Rolling back to previous generation...');
  let rolledBack: FinalEnd;
  if (host.config.hostType === 'nixos') {
    const helper = host.rootHelper();
    const previous = helper === null ? null : previousSystem(host.config);
    if (helper !== null && previous === null) return error(1, 'there is no previous generation');
    host.compartments.begin('system', 'Rollback in progress...');
    rolledBack =
      helper === null || previous === null
        ? await nixosRebuild(host, context, 'nixos-rebuild --rollback', ['--rollback', 'switch'])
        : await rollBackNixos(host, context, helper, previous);
  } else {
    const list = await shell.run('home-manager', ['generations'], { timeoutMs: LIST_TIMEOUT_MS });
    if (!list.ok) return error(exitCodeOf(list.end), failureOf('home-manager generations', list));
    const previous = previousGeneration(list.stdout);
    if (previous === null) return error(1, 'there is no previous generation');
    host.compartments.begin('system', 'Rollback in progress...');
    rolledBack = await judged('the activation', () => shell.run(join(previous, 'activate'), [], outliving(host)));
  }
  return concludeRollback(host, context, rolledBack, commit);
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
  const profile = config.systemProfile;
  const name = basename(profile);
  const numbers = readdirSync(dirname(profile)).flatMap((entry) => {
    const number = entry.startsWith(`${name}-`)
      ? /^(\d{1,9})-link$/.exec(entry.slice(name.length + 1))?.[1]
      : undefined;
    return number === undefined || Number(number) >= generation ? [] : [Number(number)];
  });
  if (numbers.length === 0) return null;
  const number = Math.max(...numbers);
  return { number, path: realpathSync(`${profile}-${number}-link`) };
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
