'use server';

import { z } from 'zod';
import { operatorAction } from '@/lib/auth/next/action';
import { runtime } from '@/lib/dashboard/runtime';

/** Begins a backup. It goes on by itself; the page and the activity tell how it went. */
export const backUpNow = operatorAction(z.object({}), (_input, { by }) => {
  const begun = runtime().backups.backUpNow(by);
  return { begun };
});
