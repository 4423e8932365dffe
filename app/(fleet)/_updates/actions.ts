'use server';

import { z } from 'zod';
import { operatorAction } from '@/lib/auth/next/action';
import { runtime } from '@/lib/dashboard/runtime';

/** Merges the flake update that the operator looked at: its number, and the commit that was shown. */
export const mergeFlakeUpdate = operatorAction(
  z.object({ number: z.number().int().positive(), headSha: z.string().regex(/^[0-9a-f]{40,64}$/) }),
  ({ number, headSha }, { by }) => runtime().updates.merge(number, by, headSha),
);

/** Asks the forge now. What it says comes over the live socket. */
export const lookForUpdates = operatorAction(z.object({}), async () => {
  await runtime().updates.refresh();
  return null;
});
