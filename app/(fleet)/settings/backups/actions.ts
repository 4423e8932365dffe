'use server';

import { z } from 'zod';
import { operatorAction } from '@/lib/auth/next/action';
import { runtime } from '@/lib/dashboard/runtime';

/** Starts a backup in the background. The page and the activity show its result. */
export const backUpNow = operatorAction({ verb: 'administer' }, z.object({}), (_input, { by }) => {
  const started = runtime().backups.backUpNow(by);
  return { started };
});
