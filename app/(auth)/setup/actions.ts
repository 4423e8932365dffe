'use server';

import { z } from 'zod';
import { publicAction } from '@/lib/auth/next/action';
import { runtime } from '@/lib/dashboard/runtime';

const setupSchema = z.object({
  setupCode: z.string().max(200),
  password: z.string().max(1_024),
  secret: z.string().max(200),
  code: z.string().max(40),
});

/** Sets the first password and the second factor. Authorised by the set-up code. */
export const completeSetup = publicAction(setupSchema, (input, { address }) =>
  runtime().auth.completeSetup({ ...input, address }),
);
