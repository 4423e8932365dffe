/** What follows from the links of Home Manager and from how earlier activations ended. Pure. */
import type { HomeFacts, HomeGeneration } from './home-facts';
import { endOf, type HomeMemory } from './home-memory';

/** The number of the generation that is active: the profile's, unless its activation failed. Null when there is none. */
export function activeNumber({ current, generations, linked }: HomeFacts, memory: HomeMemory): number | null {
  if (current === null) return null;
  const end = endOf(memory, current);
  if (end !== null) return end.isComplete ? current.number : end.before;
  if (linked === '' || linked === current.path) return current.number;
  return generations.find(({ number, path }) => number < current.number && path === linked)?.number ?? current.number;
}

/**
 * The generation to roll back to: the one that was active before the current one, or else the next lower number. Never
 * one with a higher number, one whose activation failed, or one that equals the current one. Null when there is none.
 */
export function previousHome(
  facts: HomeFacts,
  memory: HomeMemory,
  isUsable: (generation: HomeGeneration) => boolean,
): HomeGeneration | null {
  const { current, generations } = facts;
  if (current === null) return null;
  const candidates = generations.filter(
    (one) =>
      one.number < current.number &&
      one.path !== current.path &&
      endOf(memory, one)?.isComplete !== false &&
      isUsable(one),
  );
  const active = activeNumber(facts, memory);
  const before = active === current.number ? endOf(memory, current)?.before : active;
  return candidates.find(({ number }) => number === before) ?? candidates[0] ?? null;
}

/**
 * `done`: a generation was activated that was not active before. `unchanged`: it was active already. `partial`: its files
 * are linked, and a later step failed. `half-way`: the activation began and failed. `failed`: nothing was activated.
 * `unknown`: the program reports success, and the profile can't be read.
 */
export type HomeVerdict = 'done' | 'unchanged' | 'partial' | 'half-way' | 'failed' | 'unknown';

/** How an activation ended. `isOk`: the program ended with exit code 0. */
export function judgeHome(before: HomeFacts, after: HomeFacts, memory: HomeMemory, isOk: boolean): HomeVerdict {
  const { current } = after;
  if (current === null) return isOk ? 'unknown' : 'failed';
  const isMoved = current.number !== before.current?.number || current.path !== before.current.path;
  if (!isOk) return !isMoved ? 'failed' : after.linked === current.path ? 'partial' : 'half-way';
  return !isMoved && activeNumber(before, memory) === current.number ? 'unchanged' : 'done';
}
