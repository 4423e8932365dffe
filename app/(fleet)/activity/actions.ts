'use server';

import { z } from 'zod';
import { operatorAction } from '@/lib/auth/next/action';
import { activityFilterSchema } from './activity-filter';
import { eventSource } from './event-source';
import { readShownPage } from './event-pages';

/** One page of events: those before an id, or the newest. */
export const readEvents = operatorAction(
  { verb: 'view' },
  z.object({ filter: activityFilterSchema, before: z.number().int().positive().nullable() }),
  ({ filter, before }, { sees }) => readShownPage(eventSource(sees), filter, before),
);
