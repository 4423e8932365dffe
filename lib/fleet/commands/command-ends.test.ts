/** Every case of how a command ends, played against a fleet in memory. The same cases over sockets: `lib/edge/agents/test`. */
import { afterEach, describe, expect, it } from 'vitest';
import { ALL_ENDS, endsFor } from '../testing/ends/all-ends';
import { openMemoryStage } from '../testing/ends/memory-stage';
import { playEndCase, type EndStage } from '../testing/ends/play-end-case';

let stage: EndStage | null = null;
afterEach(async () => {
  await stage?.shutDown();
  stage = null;
});

describe.each(endsFor('memory'))('%s', (_subject, cases) => {
  it.each(cases)('$operation: $name', async (one) => {
    stage = await openMemoryStage();
    await playEndCase(stage, one);
  });
});

it('has a different name for every case of an operation', () => {
  const names = ALL_ENDS.map(({ operation, name }) => `${operation}: ${name}`);
  expect(new Set(names).size).toBe(names.length);
});
