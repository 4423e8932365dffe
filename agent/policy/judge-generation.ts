/**
 * Judges a system that the host had before. It was judged when it was built, or built by root, so that rules about
 * commits do not hold. But an older system may have an older policy: going back to it must not accept more than the
 * running system does.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import type { AgentConfig } from '../config';
import { readPolicy, type Policy, type PolicyState } from './policy-file';
import { policyUnreadable } from './judge-operation';
import type { Refusal } from './refusal';

type PolicyPlace = Pick<AgentConfig, 'policyFile' | 'hostType' | 'systemLink' | 'stateDir' | 'repoDir' | 'home'>;

/** `name`: what it is called, such as "generation 12". `target`: the path of its system or home. */
export function judgeGeneration(
  config: PolicyPlace,
  state: PolicyState,
  name: string,
  target: string | null,
): Refusal | null {
  if (state.kind === 'none') return null;
  if (state.kind === 'unreadable') return policyUnreadable(state);
  const place = placeInSystem(config);
  // A file that belongs to no system stays where it is.
  if (place === null || !existsSync(join(config.systemLink, place))) return null;
  if (target === null)
    return {
      reason: 'looser-policy',
      text: `the policy of ${name} can't be read, and it may accept more than this one`,
    };
  const then = readPolicy(join(target, place), [config.stateDir, config.repoDir]);
  const looser =
    then.kind === 'none' ? 'it has no policy' : then.kind === 'set' ? looserRule(then.policy, state.policy) : null;
  return looser === null
    ? null
    : {
        reason: 'looser-policy',
        text: `the policy of ${name} accepts more than the policy of the running system: ${looser}`,
      };
}

/**
 * Why a system that was built must not be activated: its policy can't be used, so that the host would accept nothing
 * more, not even the switch that repairs it. Null for any other system.
 */
export function unusablePolicy(config: PolicyPlace, target: string): string | null {
  const place = placeInSystem(config);
  const state = place === null ? null : readPolicy(join(target, place), [config.stateDir, config.repoDir]);
  return state?.kind === 'unreadable'
    ? `the policy of the new system can't be used, so the host would refuse every operation that changes it: ${state.source} ${state.problem}`
    : null;
}

/** Where a system, or a generation of Home Manager, has the file of the policy; null: it is no part of it. */
function placeInSystem({ policyFile, hostType, systemLink, home }: PolicyPlace): string | null {
  const below = (folder: string): string | null => {
    const path = relative(folder, policyFile);
    return path === '' || path.startsWith('..') || isAbsolute(path) ? null : path;
  };
  const inSystem = below(systemLink);
  if (inSystem !== null) return inSystem;
  if (hostType === 'nixos') return policyFile.startsWith('/etc/') ? policyFile.slice(1) : null;
  const inHome = below(home);
  return inHome === null ? null : join('home-files', inHome);
}

/** The first rule in which `then` accepts more than `now`, as a clause; null when it accepts no more. */
export function looserRule(then: Policy, now: Policy): string | null {
  const isWithin = (some: readonly string[] | null, all: readonly string[] | null): boolean =>
    all === null || (some !== null && some.every((each) => all.includes(each)));
  if (!isWithin(then.operations, now.operations)) return 'it accepts more operations';
  if (now.hours !== null && JSON.stringify(then.hours) !== JSON.stringify(now.hours)) return 'it has other hours';
  if (!isWithin(then.branches, now.branches)) return 'it accepts more branches';
  if (!isWithin(keysOf(then), keysOf(now))) return 'it accepts more signers';
  if (now.signers !== null && then.signers?.file !== now.signers.file) return 'it has another list of signers';
  if (now.oldestCommit !== '' && then.oldestCommit !== now.oldestCommit) return 'it has another oldest commit';
  if (now.confirmed && !then.confirmed) return 'it accepts switches that are not confirmed';
  return null;
}

const keysOf = ({ signers }: Policy): string[] | null =>
  signers?.keys.map(({ principals, options, keyType, key }) => `${principals} ${options} ${keyType} ${key}`) ?? null;
