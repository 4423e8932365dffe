'use server';

import { z } from 'zod';
import { operatorAction } from '@/lib/auth/action';
import { OPERATIONS } from '@/lib/fleet/operations';
import { OPERATION_IDS } from '@/lib/protocol/live';
import { runtime } from '@/lib/runtime';

/** Hosts of one request; more are sent in several. */
const MAX_HOSTS = 5_000;

/** What a page may ask for on hosts: an operation that needs no fresh code. */
const offered = z
  .enum(OPERATION_IDS)
  .refine((id) => OPERATIONS[id].scope === 'host' && !OPERATIONS[id].needsStepUp, 'This can’t be started from here.');

/**
 * Starts an operation on hosts and says for each what became of it. What happens next comes over the live socket. A
 * repeated request id starts nothing twice.
 */
export const dispatchOperation = operatorAction(
  z.object({
    operation: offered,
    hostIds: z.array(z.string().min(1).max(64)).min(1).max(MAX_HOSTS),
    requestId: z.string().regex(/^[0-9a-f]{32}$/),
    force: z.boolean(),
    args: z.record(z.string().max(32), z.string().max(256).nullable()).optional(),
  }),
  ({ operation, hostIds, requestId, force, args }, { session, address }) =>
    runtime().fleet.dispatch({
      operation,
      hostIds: [...new Set(hostIds)],
      requestId,
      force,
      args,
      by: { userId: session.userId, userName: session.userName, address },
    }),
);
