'use server';

import { z } from 'zod';
import { operatorAction } from '@/lib/auth/next/action';
import { runtime } from '@/lib/dashboard/runtime';

/** Items of the notice, with room to spare; an id is the name of a variable at most. */
const MAX_ITEMS = 200;
const MAX_ID = 300;

/** Marks what the page showed as read, for every operator. */
export const markUpgradeNoticeRead = operatorAction(
  { verb: 'administer' },
  z.object({ ids: z.array(z.string().max(MAX_ID)).max(MAX_ITEMS) }),
  async ({ ids }, { by }) => {
    await runtime().upgradeNotice.markRead(ids, by);
    return true;
  },
);
