import { describe, expect, it } from 'vitest';
import type { HomeFacts, HomeGeneration } from './home-facts';
import { withEnd, type HomeMemory } from './home-memory';
import { activeNumber, judgeHome, previousHome } from './home-rules';

const path = (letter: string): string => `/nix/store/${letter.repeat(32)}-home-manager-generation`;
const EMPTY: HomeMemory = { version: 1, ends: [], pending: null };
const usable = (): boolean => true;

/** Generations by number with the letter of their path, the current one, and the letter of the linked one. */
function facts(letters: Record<number, string>, current: number, linked = ''): HomeFacts {
  const generations = Object.entries(letters)
    .map(([number, letter]): HomeGeneration => ({ number: Number(number), path: path(letter) }))
    .sort((a, b) => b.number - a.number);
  return {
    generations,
    current: generations.find(({ number }) => number === current) ?? null,
    linked: linked === '' ? '' : path(linked),
  };
}

/** With ends: number, letter, whether it was complete, and the one before. */
function memory(...ends: [number: number, letter: string, isComplete: boolean, before: number | null][]): HomeMemory {
  return ends.reduce(
    (made, [number, letter, isComplete, before]) => withEnd(made, { number, path: path(letter), isComplete, before }),
    EMPTY,
  );
}

describe('a rollback of Home Manager', () => {
  const three = { 1: 'a', 2: 'b', 3: 'c' };
  it.each([
    ['goes to the next lower number where nothing is recorded', facts(three, 3), EMPTY, 2],
    ['goes to the one that was active before', facts(three, 3), memory([3, 'c', true, 1]), 1],
    ['skips one whose activation failed', facts(three, 3), memory([2, 'b', false, 1]), 1],
    [
      'skips the one that was active before if its activation has failed since',
      facts(three, 3),
      memory([3, 'c', true, 2], [2, 'b', false, 1]),
      1,
    ],
    ['skips one with the same content', facts({ 1: 'a', 2: 'c', 3: 'c' }, 3), EMPTY, 1],
    ['ignores a recorded one with a higher number', facts(three, 2), memory([2, 'b', true, 3]), 1],
    ['goes to the one that Home Manager linked if the current one is not active', facts(three, 3, 'a'), EMPTY, 1],
    ['goes to the one that was active before the one that failed', facts(three, 3, 'c'), memory([3, 'c', false, 1]), 1],
    ['goes to one that has the number of an earlier, failed one', facts(three, 3), memory([2, 'z', false, 1]), 2],
    ['finds none below the oldest', facts(three, 1), EMPTY, undefined],
    ['finds none without a profile', facts(three, 9), EMPTY, undefined],
  ])('%s', (_what, state, known, expected) => {
    expect(previousHome(state, known, usable)?.number).toBe(expected);
  });

  it('skips a generation that the garbage collector removed', () => {
    expect(previousHome(facts(three, 3), EMPTY, ({ number }) => number === 1)?.number).toBe(1);
  });

  it('never goes up, to itself, or to one that failed, whatever is recorded', () => {
    const letters = { 1: 'a', 2: 'b', 3: 'a', 4: 'c', 5: 'b' };
    const flags = [true, false];
    for (const current of [1, 2, 3, 4, 5])
      for (const before of [null, 1, 2, 3, 4, 5])
        for (const isComplete of flags)
          for (const failed of [1, 2, 3, 4, 5])
            for (const linked of ['', 'a', 'b', 'c']) {
              const state = facts(letters, current, linked);
              const letter = letters[current as 1 | 2 | 3 | 4 | 5];
              const known = memory(
                [failed, letters[failed as 1 | 2 | 3 | 4 | 5], false, null],
                [current, letter, isComplete, before],
              );
              const target = previousHome(state, known, usable);
              if (target === null) continue;
              expect(target.number).toBeLessThan(current);
              expect(target.path).not.toBe(path(letter));
              expect(target.number).not.toBe(failed);
            }
  });
});

describe('the end of an activation of Home Manager', () => {
  const one = { 1: 'a' };
  const two = { 1: 'a', 2: 'b' };
  it.each([
    ['done for another generation', facts(one, 1, 'a'), facts(two, 2, 'b'), EMPTY, true, 'done'],
    ['unchanged for the same one', facts(one, 1, 'a'), facts(one, 1, 'a'), EMPTY, true, 'unchanged'],
    ['done for the same one if it was not active', facts(two, 2, 'a'), facts(two, 2, 'b'), EMPTY, true, 'done'],
    [
      'done for the same one if its activation failed before',
      facts(two, 2, 'b'),
      facts(two, 2, 'b'),
      memory([2, 'b', false, 1]),
      true,
      'done',
    ],
    ['done for the first one', facts({}, 0), facts(one, 1, 'a'), EMPTY, true, 'done'],
    ['failed if nothing has moved', facts(one, 1, 'a'), facts(one, 1, 'a'), EMPTY, false, 'failed'],
    ['half-way if the profile alone has moved', facts(one, 1, 'a'), facts(two, 2, 'a'), EMPTY, false, 'half-way'],
    ['half-way if Home Manager has no link', facts(one, 1), facts(two, 2), EMPTY, false, 'half-way'],
    ['partial if its files are linked', facts(one, 1, 'a'), facts(two, 2, 'b'), EMPTY, false, 'partial'],
    ['unknown after a success without a profile', facts({}, 0), facts({}, 0), EMPTY, true, 'unknown'],
    ['failed after a failure without a profile', facts({}, 0), facts({}, 0), EMPTY, false, 'failed'],
  ])('is %s', (_what, before, after, known, isOk, expected) => {
    expect(judgeHome(before, after, known, isOk)).toBe(expected);
  });
});

it('the active generation is the one before where the activation of the current one failed', () => {
  expect(activeNumber(facts({ 1: 'a', 2: 'b' }, 2), memory([2, 'b', false, 1]))).toBe(1);
  expect(activeNumber(facts({ 1: 'a', 2: 'b' }, 2, 'a'), EMPTY)).toBe(1);
  expect(activeNumber(facts({ 1: 'a', 2: 'b' }, 2, 'b'), EMPTY)).toBe(2);
});
