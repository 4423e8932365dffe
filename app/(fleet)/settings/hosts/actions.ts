'use server';

import { z } from 'zod';
import { operatorAction, stepUpAction } from '@/lib/auth/next/action';
import { hostNameOf } from '@/lib/fleet/hosts/host';
import { runtime } from '@/lib/dashboard/runtime';

const HOUR_MS = 3_600_000;

const hostName = z
  .string()
  .transform((name) => hostNameOf(name) ?? '')
  .refine((name) => name !== '', 'This is no host name: letters, digits and hyphens, at most 63.');

/** The secret is in the answer and nowhere else. Null: that host is gone. */
export const issueToken = stepUpAction(
  z.object({ hostId: z.string().min(1).max(64) }),
  { purpose: ({ hostId }) => `A token for ${runtime().fleet.host(hostId)?.name ?? 'an unknown host'}` },
  ({ hostId }, { by }) => {
    const host = runtime().fleet.host(hostId);
    return host ? runtime().agentAccess.issueToken(host, by) : null;
  },
);

/** A host without a token of its own may be claimed with the shared one again: revoking its last asks for a proof. */
export const revokeToken = stepUpAction(
  z.object({ id: z.string().min(1).max(64) }),
  {
    purpose: () => 'Revoking the last token of a host',
    needed: ({ id }) => runtime().agentAccess.revokingOpensHost(id),
  },
  ({ id }, { by }) => runtime().agentAccess.revokeToken(id, by),
);

/** The code is in the answer and nowhere else. Null: too many are open. */
export const createCode = stepUpAction(
  z.object({
    hostName: z.union([z.literal(''), hostName]),
    hours: z.union([z.literal(1), z.literal(24), z.literal(168)]),
  }),
  { purpose: ({ hostName }) => `An enrolment code for ${hostName === '' ? 'any host' : hostName}` },
  ({ hostName, hours }, { by }) =>
    runtime().agentAccess.createCode({ hostName: hostName === '' ? null : hostName, lifetimeMs: hours * HOUR_MS }, by),
);

export const revokeCode = operatorAction(z.object({ id: z.string().length(64) }), ({ id }, { by }) =>
  runtime().agentAccess.revokeCode(id, by),
);

export const setRule = stepUpAction(
  z.object({ rule: z.enum(['sharedToken', 'approval']), value: z.boolean() }),
  {
    purpose: ({ rule }) => (rule === 'sharedToken' ? 'Whether the shared token is accepted' : 'Whether new hosts wait'),
  },
  ({ rule, value }, { by }) => runtime().agentAccess.setRule(rule, value, by),
);

/** Empty, or why not. */
export const approveHost = operatorAction(z.object({ hostName }), ({ hostName }, { by }) => {
  const { agentAccess, fleet } = runtime();
  const approved = fleet.approveHost(hostName, by);
  if (!approved.ok) return approved.reason;
  agentAccess.allowHost(hostName);
  return '';
});

export const refuseHost = operatorAction(z.object({ hostName }), ({ hostName }, { by }) => {
  runtime().agentAccess.refuseHost(hostName, by);
  return true;
});
