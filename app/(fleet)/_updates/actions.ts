'use server';

import { z } from 'zod';
import { operatorAction } from '@/lib/auth/next/action';
import { runtime } from '@/lib/dashboard/runtime';

/** Merges a flake update. `headSha` is the commit that the operator was shown: only that one is merged. */
export const mergeFlakeUpdate = operatorAction(
  z.object({ number: z.number().int().positive(), headSha: z.string().regex(/^[0-9a-f]{40,64}$/) }),
  ({ number, headSha }, { by }) => runtime().updates.merge(number, by, headSha),
);

/** Checks the forge now. The result arrives over the live socket. */
export const checkForUpdates = operatorAction(z.object({}), async () => {
  await runtime().updates.refresh();
  return null;
});
