/**
 * Judges a system that the host had before. It was judged when it was built, or built by root, so that rules about
 * commits do not hold. But an older system may have an older policy: going back to it must not accept more than the
 * running system does.
 */
import { lstatSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative } from 'node:path';
import type { AgentConfig } from '../config';
import { readPolicy, type Policy, type PolicyState } from './policy-file';
import { policyUnreadable } from './judge-operation';
import type { Refusal } from './refusal';

export type PolicyPlace = Pick<AgentConfig, 'policyFile' | 'hostType' | 'systemLink' | 'stateDir' | 'repoDir' | 'home'>;

const NIX_STORE = '/nix/store';
/** Filled by each activation, with what no system holds. */
const RUNTIME = '/run';

/** `name`: what it is called, such as "generation 12". `target`: the path of its system or home. */
export function judgeGeneration(
  config: PolicyPlace,
  state: PolicyState,
  name: string,
  target: string | null,
): Refusal | null {
  if (state.kind === 'unreadable') return policyUnreadable(state);
  const then = policyAfter(config, target);
  if (then.kind === 'kept') return null;
  if (then.kind === 'unreadable')
    return {
      reason: 'policy-unreadable',
      text: `the policy of ${name} can't be used, so this host would then refuse every operation that changes it: ${then.source} ${then.problem}`,
    };
  if (state.kind === 'none') return null;
  if (then.kind === 'unknown')
    return {
      reason: 'looser-policy',
      text: `the policy of ${name} can't be read (${then.file}), and it may accept more than this one`,
    };
  const looser = then.kind === 'none' ? 'it has no policy' : looserRule(then.policy, state.policy);
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
  const state = policyAfter(config, target);
  return state.kind === 'unreadable'
    ? `the policy of the new system can't be used, so the host would refuse every operation that changes it: ${state.source} ${state.problem}`
    : null;
}

/**
 * The policy that holds once this system, or generation of Home Manager, is active. `kept`: it is no part of any, so that
 * it stays what it is. `unknown`: `file` changes with the system, and can't be found in this one.
 */
export function policyAfter(
  config: PolicyPlace,
  target: string | null,
): PolicyState | { kind: 'kept' } | { kind: 'unknown'; file: string } {
  const { policyFile } = config;
  const parts: string[] = [];
  const unknown: string[] = [];
  const locate = (path: string): string => {
    const place = placeIn(config, path, target);
    const found = place === null || target === null ? path : join(target, place);
    if (place !== null) parts.push(path);
    if (place === null ? changesWithSystem(config, path) : target === null || isIn(RUNTIME, realOf(found)))
      unknown.push(path);
    return found;
  };
  const source = locate(policyFile);
  const state = readPolicy(source, [config.stateDir, config.repoDir], locate);
  const [file] = unknown;
  if (file !== undefined) return { kind: 'unknown', file };
  return parts.length > 0 ? state : { kind: 'kept' };
}

/** Where the system that runs, or this one, has what is at this path; null: neither has it. */
function placeIn({ hostType, systemLink, home }: PolicyPlace, path: string, target: string | null): string | null {
  const below = (folder: string): string | null => (isIn(folder, path) ? relative(folder, path) : null);
  let place = below(systemLink);
  if (place === null && hostType === 'nixos') place = path.startsWith('/etc/') ? path.slice(1) : null;
  else if (place === null) {
    const inHome = below(home);
    place = inHome === null ? null : join('home-files', inHome);
  }
  const found = place;
  if (found === null) return null;
  return [systemLink, target].some((system) => system !== null && isThere(join(system, found))) ? found : null;
}

/** Whether an activation may put another file at a path that is no place in a system: a secret, a file of Home Manager. */
function changesWithSystem({ hostType, systemLink }: PolicyPlace, path: string): boolean {
  // There only the home is switched.
  if (hostType !== 'nixos') return false;
  const stores = [NIX_STORE, dirname(realOf(systemLink))];
  const real = realOf(path);
  return isIn(RUNTIME, real) || stores.some((store) => isIn(store, real) && !isIn(store, path));
}

function isIn(folder: string, path: string): boolean {
  const place = relative(folder, path);
  return place !== '' && place !== '..' && !place.startsWith('../') && !isAbsolute(place);
}

function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
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
