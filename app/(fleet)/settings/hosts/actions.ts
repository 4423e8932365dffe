'use server';

import { z } from 'zod';
import { operatorAction, stepUpAction } from '@/lib/auth/next/action';
import { hostNameOf } from '@/lib/protocol/agent/host-name';
import { runtime } from '@/lib/dashboard/runtime';

const ADMINISTER = { verb: 'administer' } as const;
const HOUR_MS = 3_600_000;

const hostName = z
  .string()
  .transform((name) => hostNameOf(name) ?? '')
  .refine((name) => name !== '', 'This is not a host name. Use letters, digits and hyphens, at most 63 characters.');

/** The host of a token; empty when there is no such token. */
function hostOfToken(id: string): string[] {
  return runtime()
    .agentAccess.tokens()
    .flatMap((token) => (token.id === id ? [token.hostId] : []));
}

/** The host with this name; empty when there is none yet, or for any host. */
function hostsNamed(name: string): string[] {
  return runtime()
    .fleet.hostViews()
    .flatMap((host) => (host.name === name ? [host.id] : []));
}

/** Gives the token, which is not stored anywhere else; null when the host no longer exists. */
export const issueToken = stepUpAction(
  { verb: 'administer', hosts: ({ hostId }) => [hostId] },
  z.object({ hostId: z.string().min(1).max(64) }),
  { purpose: ({ hostId }) => `Create a token for ${runtime().fleet.host(hostId)?.name ?? 'an unknown host'}` },
  ({ hostId }, { by }) => {
    const host = runtime().fleet.host(hostId);
    return host ? runtime().agentAccess.issueToken(host, by) : null;
  },
);

/** Without a host token, a host can be claimed with the shared one: revoking the last one requires step-up authentication. */
export const revokeToken = stepUpAction(
  { verb: 'administer', hosts: ({ id }) => hostOfToken(id) },
  z.object({ id: z.string().min(1).max(64) }),
  {
    purpose: () => 'Revoke the last token of a host',
    needed: ({ id }) => runtime().agentAccess.revokingOpensHost(id),
  },
  async ({ id }, { by, stepUp }) => {
    const done = await runtime().agentAccess.revokeToken(id, by, stepUp);
    // Another token of the host was revoked at the same moment: trying again asks for the proof.
    if (done === 'unconfirmed') throw new Error('the token has become the last one of its host');
    return done === 'revoked';
  },
);

/** Gives the code, which is not stored anywhere else; null when too many codes are open. */
export const createCode = stepUpAction(
  { verb: 'administer', hosts: ({ hostName }) => hostsNamed(hostName) },
  z.object({
    hostName: z.union([z.literal(''), hostName]),
    hours: z.union([z.literal(1), z.literal(24), z.literal(168)]),
  }),
  { purpose: ({ hostName }) => `Create an enrolment code for ${hostName === '' ? 'any host' : hostName}` },
  ({ hostName, hours }, { by }) =>
    runtime().agentAccess.createCode({ hostName: hostName === '' ? null : hostName, lifetimeMs: hours * HOUR_MS }, by),
);

export const revokeCode = operatorAction(ADMINISTER, z.object({ id: z.string().length(64) }), ({ id }, { by }) =>
  runtime().agentAccess.revokeCode(id, by),
);

export const setRule = stepUpAction(
  ADMINISTER,
  z.object({ rule: z.enum(['sharedToken', 'approval']), value: z.boolean() }),
  {
    purpose: ({ rule, value }) =>
      rule === 'sharedToken'
        ? `${value ? 'Accept' : 'Refuse'} the shared token`
        : value
          ? 'Require approval for new hosts'
          : 'Admit new hosts automatically',
  },
  ({ rule, value }, { by }) => runtime().agentAccess.setRule(rule, value, by),
);

/** Gives an empty text, or the reason why the host was not approved. */
export const approveHost = stepUpAction(
  { verb: 'approve' },
  z.object({ hostName }),
  { purpose: ({ hostName }) => `Approve ${hostName}` },
  async ({ hostName }, { by }) => {
    const { agentAccess, fleet } = runtime();
    const approved = await fleet.approveHost(hostName, by);
    if (!approved.ok) return approved.reason;
    await agentAccess.allowHost(hostName);
    return '';
  },
);

export const refuseHost = operatorAction({ verb: 'approve' }, z.object({ hostName }), async ({ hostName }, { by }) => {
  await runtime().agentAccess.refuseHost(hostName, by);
  return true;
});
