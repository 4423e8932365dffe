/** Switches and rolls back Home Manager, and judges by the profile's generation before and after. */
import { join } from 'node:path';
import { outliving, type OperationContext, type OperationHost } from '../operation';
import { exitCodeOf, failureOf, type RunEnd } from '../shell';
import type { FinalEnd } from '../rebuild';
import { isUsable, knowsDriverVersions, readHome, type HomeFacts, type HomeGeneration } from './home-facts';
import { endOf, mayStillActivate, readHomeMemory, withEnd, writeHomeMemory, type HomeMemory } from './home-memory';
import { activeNumber, judgeHome, previousHome } from './home-rules';

const PROFILE_TIMEOUT_MS = 60_000;

/** Runs `home-manager`, which builds, sets the profile and activates. */
export async function switchHome(host: OperationHost, run: () => Promise<RunEnd>): Promise<FinalEnd> {
  const facts = factsOf(host);
  const memory = readHomeMemory(host.config.stateDir, facts);
  const before = activeNumber(facts, memory);
  return activate(host, { facts, memory, before, name: 'home-manager', run });
}

/** The generation that a rollback would activate, or why there is none. */
export function previousHomeGeneration({ config, env }: OperationHost): HomeGeneration | { problem: string } {
  const profile = config.systemLink;
  const facts = readHome({ profile, env });
  const { current, generations } = facts;
  if (current === null) return { problem: `${profile} can't be read, so the current generation is not known` };
  const previous = previousHome(facts, readHomeMemory(config.stateDir, facts), isUsable);
  if (previous !== null) return previous;
  return generations.some(({ number }) => number < current.number)
    ? { problem: 'there is no previous generation that differs from this one and whose activation succeeded' }
    : { problem: 'there is no previous generation' };
}

/** Goes to this generation, with its activation script. */
export async function rollBackHome(
  host: OperationHost,
  { shell }: OperationContext,
  target: HomeGeneration,
): Promise<FinalEnd> {
  const { stateDir, systemLink: profile } = host.config;
  const facts = factsOf(host);
  const memory = readHomeMemory(stateDir, facts);
  // What a further rollback goes to: never up again to the generation that is left now.
  const below = previousHome({ ...facts, current: target }, memory, isUsable);
  shell.say(`Switching to generation ${target.number}: ${target.path}`);
  const run = async (): Promise<RunEnd> => {
    const script = join(target.path, 'activate');
    if (!knowsDriverVersions(target)) return shell.run(script, [], outliving(host));
    const args = ['--profile', profile, '--switch-generation', String(target.number)];
    const set = await shell.run('nix-env', args, { timeoutMs: PROFILE_TIMEOUT_MS });
    return set.ok ? shell.run(script, ['--driver-version', '1'], outliving(host)) : set;
  };
  return activate(host, { facts, memory, before: below?.number ?? null, name: 'the activation', run });
}

/** Whether the profile's generation is active as a whole, as far as this agent knows; null while that is not known. */
export function isHomeComplete(host: OperationHost): boolean | null {
  const { stateDir } = host.config;
  const facts = factsOf(host);
  if (mayStillActivate(stateDir, facts)) return null;
  return facts.current === null || endOf(readHomeMemory(stateDir, facts), facts.current)?.isComplete !== false;
}

interface HomeActivation {
  facts: HomeFacts;
  memory: HomeMemory;
  /** The generation to go back to from the one that is activated. */
  before: number | null;
  /** What a failure calls the program. */
  name: string;
  run: () => Promise<RunEnd>;
}

async function activate(host: OperationHost, { facts, memory, before, name, run }: HomeActivation): Promise<FinalEnd> {
  const { stateDir, systemLink: profile } = host.config;
  // An agent that launchd replaces during the activation finds out from this how it ended.
  const problem = save(stateDir, { ...memory, pending: { current: facts.current?.number ?? null, before } });
  if (problem !== null) return { kind: 'failed', exitCode: 1, failure: problem };
  const end = await run();
  const after = factsOf(host);
  const verdict = judgeHome(facts, after, memory, end.ok);
  const failure = failureOf(name, end);
  const exitCode = exitCodeOf(end.end);
  const { current } = after;
  let result = memory;
  if (current !== null && verdict !== 'failed') {
    const again = current.number === facts.current?.number ? endOf(memory, current) : null;
    // A generation that is activated once more keeps the one that a rollback leads to.
    const from = again?.before ?? (before === current.number ? null : before);
    result = withEnd(memory, { ...current, isComplete: end.ok, before: from });
  }
  const unsaved = save(stateDir, { ...result, pending: null });
  switch (verdict) {
    case 'failed':
      return { kind: 'failed', exitCode, failure };
    case 'half-way':
      return {
        kind: 'failed',
        exitCode,
        failure: `generation ${current?.number ?? ''} is not active as a whole, because its activation failed: ${failure}. Parts of it may have been activated. Roll back, or switch again`,
      };
    case 'partial':
      return { kind: 'partial', exitCode, failure };
    case 'unknown':
      return {
        kind: 'partial',
        exitCode,
        failure: `it is not known which generation is active: ${profile} can't be read`,
      };
    case 'unchanged':
      return { kind: 'unchanged', message: 'Nothing to do: this generation is active already' };
    case 'done':
      return unsaved === null ? { kind: 'done' } : { kind: 'partial', exitCode: 0, failure: unsaved };
  }
}

/** A sentence when the disk is full or read-only. */
function save(stateDir: string, memory: HomeMemory): string | null {
  try {
    writeHomeMemory(stateDir, memory);
    return null;
  } catch (error) {
    return `${stateDir} can't be written (${error instanceof Error ? error.message : 'unknown reason'}): free disk space, or give the agent's user write access`;
  }
}

const factsOf = ({ config, env }: OperationHost): HomeFacts => readHome({ profile: config.systemLink, env });
