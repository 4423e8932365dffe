import { describe, expect, it } from 'vitest';
import { never, useForgeBench, value } from './testing/forge-bench';

describe('states that only GitHub has', () => {
  const bench = useForgeBench('github');

  it.each([
    ['clean', true, ''],
    ['unstable', true, ''],
    ['has_hooks', true, ''],
    ['blocked', true, /rules of the branch require something first/],
    ['behind', true, /behind the branch/],
    ['dirty', false, /conflicts with the branch/],
    ['draft', true, /is a draft/],
  ])('the state %s', async (mergeableState, mergeable, expected) => {
    bench.fakeForge.addPull({ mergeableState, mergeable });
    const { obstacle } = value(await bench.forge.pullRequest(1, never));
    if (typeof expected === 'string') expect(obstacle).toBe(expected);
    else expect(obstacle).toMatch(expected);
  });

  it('not known yet', async () => {
    bench.fakeForge.addPull({ mergeable: null });
    expect(value(await bench.forge.pullRequest(1, never))).toMatchObject({ mergeable: null, obstacle: '' });
  });
});
