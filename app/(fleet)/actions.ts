'use server';

import { z } from 'zod';
import { stepUpAction } from '@/lib/auth/action';
import { OPERATIONS } from '@/lib/fleet/operations';
import { OPERATION_IDS } from '@/lib/protocol/live';
import { runtime } from '@/lib/runtime';

/** Hosts of one request; more are sent in several. */
const MAX_HOSTS = 5_000;
/** Hosts that the record of a fresh proof names; the rest is counted. */
const MAX_NAMED = 3;

/** What a page may ask for on hosts. */
const offered = z
  .enum(OPERATION_IDS)
  .refine((id) => OPERATIONS[id].scope === 'host', 'This can’t be started from here.');

/**
 * Starts an operation on hosts and says for each what became of it. What happens next comes over the live socket. A
 * repeated request id starts nothing twice. What the table of operations says needs a fresh proof needs one here.
 */
export const dispatchOperation = stepUpAction(
  z.object({
    operation: offered,
    hostIds: z.array(z.string().min(1).max(64)).min(1).max(MAX_HOSTS),
    requestId: z.string().regex(/^[0-9a-f]{32}$/),
    force: z.boolean(),
    args: z.record(z.string().max(32), z.string().max(256).nullable()).optional(),
  }),
  {
    purpose: ({ operation, hostIds }) => `${OPERATIONS[operation].label} on ${hostNames(hostIds)}`,
    needed: ({ operation, hostIds }) => runtime().fleet.needsStepUp(operation, hostIds),
  },
  ({ operation, hostIds, requestId, force, args }, { by, stepUp }) =>
    runtime().fleet.dispatch({ operation, hostIds: [...new Set(hostIds)], requestId, force, args, stepUp, by }),
);

function hostNames(hostIds: readonly string[]): string {
  const names = [...new Set(hostIds)].map((id) => runtime().fleet.host(id)?.name ?? 'an unknown host');
  const more = names.length - MAX_NAMED;
  return `${names.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
