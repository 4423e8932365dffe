'use server';

import { z } from 'zod';
import { hostOfCommand } from '@/app/_actions/host-of-command';
import { capitalised } from '@/app/_ui/sentence';
import { operatorAction, stepUpAction } from '@/lib/auth/next/action';
import { verbPhrase } from '@/lib/fleet/operations/operation-words';
import { verbOf } from '@/lib/fleet/may';
import { OPERATIONS } from '@/lib/fleet/operations/operations';
import { MAX_QUEUE_MS, MIN_QUEUE_MS } from '@/lib/fleet/operations/queue-time';
import { runtime } from '@/lib/dashboard/runtime';
import { generationIn } from '@/lib/protocol/agent/system-generations';
import { CONFIRM_SETTINGS } from '@/lib/protocol/confirm-setting';
import { themeColorOf } from '@/lib/protocol/agent/theme-color';
import { OPERATION_IDS } from '@/lib/protocol/operation-ids';

/** Hosts per request. */
const MAX_HOSTS = 5_000;
/** Hosts that a step-up event names; the rest are counted. */
const MAX_NAMED = 3;

/** The operations that a page may request on hosts. */
const offered = z
  .enum(OPERATION_IDS)
  .refine((id) => OPERATIONS[id].scope === 'host', 'This operation can’t be started on hosts.');

/**
 * Starts an operation on hosts and gives the result for each. Progress arrives over the live socket. A repeated request
 * id starts nothing twice. Requires step-up authentication where the table of operations says so.
 */
export const dispatchOperation = stepUpAction(
  { verb: ({ operation }) => verbOf(operation), hosts: ({ hostIds }) => hostIds },
  z.object({
    operation: offered,
    hostIds: z.array(z.string().min(1).max(64)).min(1).max(MAX_HOSTS),
    requestId: z.string().regex(/^[0-9a-f]{32}$/),
    force: z.boolean(),
    confirm: z.boolean().optional(),
    queueForMs: z.number().int().min(MIN_QUEUE_MS).max(MAX_QUEUE_MS).optional(),
    args: z.record(z.string().max(32), z.union([z.string().max(256), z.number(), z.null()])).optional(),
  }),
  {
    purpose: ({ operation, hostIds, args }) =>
      capitalised(verbPhrase(operation, hostNames(hostIds), generationIn(args ?? null))),
    needed: ({ operation, hostIds }) => runtime().fleet.needsStepUp([operation], hostIds),
  },
  ({ hostIds, ...request }, { by, stepUp }) =>
    runtime().fleet.dispatch({ ...request, hostIds: [...new Set(hostIds)], stepUp, by }),
);

/** The generations that a host's agent reported last; a list of null when it never did. */
export const hostGenerations = operatorAction(
  { verb: 'view', hosts: ({ hostId }) => [hostId] },
  z.object({ hostId: z.string().min(1).max(64) }),
  async ({ hostId }) => ({ list: await runtime().fleet.systemGenerations(hostId) }),
);

/** Sets whether switches of hosts are confirmed. `problem`: why nothing was stored; null when it was. */
export const setHostConfirm = operatorAction(
  { verb: 'administer', hosts: ({ hostIds }) => hostIds },
  z.object({
    hostIds: z.array(z.string().min(1).max(64)).min(1).max(MAX_HOSTS),
    setting: z.enum(CONFIRM_SETTINGS),
  }),
  async ({ hostIds, setting }, { by }) => ({ problem: await runtime().fleet.setConfirm(hostIds, setting, by) }),
);

/** Adds a host before its agent connects. */
export const addHost = operatorAction(
  { verb: verbOf('add-host') },
  z.object({
    name: z.string().trim().min(1, 'Enter a name.').max(63),
    type: z.enum(['', 'nixos', 'macos']),
    location: z.string().trim().max(64),
    deviceType: z.string().trim().max(64),
    color: z
      .string()
      .transform(themeColorOf)
      .pipe(z.string('Use # and six hexadecimal digits, like #7aa2f7.'))
      .nullable(),
    requestId: z.string().regex(/^[0-9a-f]{32}$/),
  }),
  (request, { by }) => runtime().fleet.addHost({ ...request, by }),
);

/** Cancels a queued command. False when it was sent in the meantime. */
export const cancelCommand = operatorAction(
  { verb: 'operate', hosts: ({ commandId }) => hostOfCommand(commandId) },
  z.object({ commandId: z.string().min(1).max(64) }),
  ({ commandId }, { by }) => runtime().fleet.cancel(commandId, by),
);

function hostNames(hostIds: readonly string[]): string {
  const names = [...new Set(hostIds)].map((id) => runtime().fleet.host(id)?.name ?? 'an unknown host');
  const more = names.length - MAX_NAMED;
  return `${names.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
