import { describe, expect, it } from 'vitest';
import { parseAgentFrame } from './parse-agent-frame';
import { generationIn, MAX_GENERATION, MAX_SYSTEM_GENERATIONS } from './system-generations';

const generation = (number: number, more: object = {}) => ({ number, created_at: 1_700_000_000_000, ...more });
const parse = (payload: unknown) => parseAgentFrame(JSON.stringify({ type: 'system_generations', payload }));

describe('a frame with the generations of a system', () => {
  it('may leave out texts and marks', () => {
    expect(parse({ generations: [generation(12)], total: 3 })).toEqual({
      kind: 'frame',
      frame: {
        type: 'system_generations',
        payload: {
          generations: [
            {
              number: 12,
              created_at: 1_700_000_000_000,
              nixos_version: '',
              kernel_version: '',
              configuration_revision: '',
              runs: false,
              next_boot: false,
              booted: false,
            },
          ],
          total: 3,
        },
      },
    });
  });

  it('has its texts cut, and freed from what controls a terminal or reorders text', () => {
    const texts = {
      nixos_version: '\u001b[31m26.05\u202e\n',
      kernel_version: 'k'.repeat(10_000),
      configuration_revision: 'a\u0000b',
    };
    expect(parse({ generations: [generation(1, texts)], total: 1 })).toMatchObject({
      frame: {
        payload: {
          generations: [{ nixos_version: '26.05', kernel_version: 'k'.repeat(64), configuration_revision: 'a b' }],
        },
      },
    });
  });

  it.each([
    ['more than 64 generations', { generations: Array(65).fill(generation(1)), total: 65 }],
    ['no list', { total: 0 }],
    ['a list that is none', { generations: {}, total: 0 }],
    ['no total', { generations: [] }],
    ['the number 0', { generations: [generation(0)], total: 1 }],
    ['a negative number', { generations: [generation(-1)], total: 1 }],
    ['a number of ten digits', { generations: [generation(MAX_GENERATION + 1)], total: 1 }],
    ['a number with a fraction', { generations: [generation(1.5)], total: 1 }],
    ['a number that is a text', { generations: [{ ...generation(1), number: '1' }], total: 1 }],
    ['a time that no date can hold', { generations: [{ number: 1, created_at: 8.64e15 + 1 }], total: 1 }],
    ['a mark that is a text', { generations: [generation(1, { runs: 'yes' })], total: 1 }],
  ])('is malformed with %s', (_what, payload) => {
    expect(parse(payload).kind).toBe('malformed');
  });

  it('may have 64 generations', () => {
    const generations = Array.from({ length: MAX_SYSTEM_GENERATIONS }, (_, at) => generation(at + 1));
    expect(parse({ generations, total: 100 }).kind).toBe('frame');
  });
});

it.each([
  [{ generation: 12 }, 12],
  [{ generation: MAX_GENERATION }, MAX_GENERATION],
  [{ generation: MAX_GENERATION + 1 }, null],
  [{ generation: '12' }, null],
  [{ color: '#7aa2f7' }, null],
  [{}, null],
  [null, null],
])('the generation in the arguments %j is %j', (args, expected) => {
  expect(generationIn(args)).toBe(expected);
});
