'use server';

import { z } from 'zod';
import { operatorAction } from '@/lib/auth/next/action';
import { runtime } from '@/lib/dashboard/runtime';
import { activityFilterSchema } from './activity-filter';
import { readEventPage } from './event-pages';

/** One page of events: those before an id, or the newest. */
export const readEvents = operatorAction(
  z.object({ filter: activityFilterSchema, before: z.number().int().positive().nullable() }),
  ({ filter, before }) => readEventPage((asked) => runtime().fleet.events(asked), filter, before),
);
