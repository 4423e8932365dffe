import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonExcess, type JsonLimits } from './json-limits';

const excess = (json: string, limits: Partial<JsonLimits>) =>
  jsonExcess(Buffer.from(json), { maxDepth: 1_000, maxValues: 1_000_000, ...limits });

/** The same two numbers, counted in the parsed value. */
function measure(value: unknown): { depth: number; values: number } {
  if (typeof value !== 'object' || value === null) return { depth: 0, values: 1 };
  const inner = Object.values(value).map(measure);
  return {
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
    values: 1 + inner.reduce((sum, { values }) => sum + values, 0),
  };
}

describe('jsonExcess', () => {
  it('allows exactly as many levels and values as the limits say', () => {
    expect(excess('[[[]]]', { maxDepth: 3 })).toBeNull();
    expect(excess('[[[[]]]]', { maxDepth: 3 })).toBe('too-deep');
    expect(excess('{"a":{"b":[{}]}}', { maxDepth: 3 })).toBe('too-deep');
    expect(excess('[1,2,3]', { maxValues: 4 })).toBeNull();
    expect(excess('[1,2,3,4]', { maxValues: 4 })).toBe('too-many-values');
  });

  it('ignores brackets and commas inside strings', () => {
    expect(excess(JSON.stringify(['[[[[,,,,', '\\"[[[{,', '"', '\\']), { maxDepth: 1, maxValues: 5 })).toBeNull();
  });

  it('stops at a string without an end', () => {
    expect(excess('["abc\\"[[[[', { maxDepth: 1 })).toBeNull();
  });

  it('agrees with the parsed value for any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 0, max: 8 }), (value, maxDepth) => {
        const { depth, values } = measure(value);
        expect(excess(JSON.stringify(value), { maxDepth })).toBe(depth > maxDepth ? 'too-deep' : null);
        // An empty array or object counts one more than it holds.
        if (excess(JSON.stringify(value), { maxValues: values - 1 }) === null) expect(values).toBe(1);
        expect(excess(JSON.stringify(value), { maxValues: 2 * values })).toBeNull();
      }),
    );
  });
});
