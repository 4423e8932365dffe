'use server';

import { z } from 'zod';
import { operatorAction, stepUpAction } from '@/lib/auth/next/action';
import { verbOf } from '@/lib/fleet/may';
import { runtime } from '@/lib/dashboard/runtime';
import { FULL_COMMIT } from '@/lib/git/commit-id';

/** Merges a flake update. `headSha` is the commit that the operator was shown: only that one is merged. */
export const mergeFlakeUpdate = stepUpAction(
  { verb: verbOf('merge-pr') },
  z.object({ number: z.number().int().positive(), headSha: z.string().regex(FULL_COMMIT) }),
  {
    purpose: ({ number }) => `Merge flake update #${number}`,
    needed: () => runtime().fleet.needsStepUp(['merge-pr'], []),
  },
  ({ number, headSha }, { by }) => runtime().updates.merge(number, by, headSha),
);

/** Checks the forge now. The result arrives over the live socket. */
export const checkForUpdates = operatorAction({ verb: 'operate' }, z.object({}), async () => {
  await runtime().updates.refresh();
  return null;
});
