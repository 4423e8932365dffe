/**
 * Every case of how a command ends, played over real sockets to the real gateway, fleet and database. The same cases in
 * memory: `lib/fleet/commands/command-ends.test.ts`.
 */
import { afterEach, describe, it } from 'vitest';
import { endsFor } from '@/lib/fleet/testing/ends/all-ends';
import { playEndCase, type EndStage } from '@/lib/fleet/testing/ends/play-end-case';
import { openSocketStage } from '../../testing/socket-stage';

let stage: EndStage | null = null;
afterEach(async () => {
  await stage?.shutDown();
  stage = null;
});

describe.each(endsFor('sockets'))('%s', (_subject, cases) => {
  it.each(cases)('$operation: $name', async (one) => {
    stage = await openSocketStage();
    await playEndCase(stage, one);
  });
});
