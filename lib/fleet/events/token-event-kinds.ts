/** Events of agents' tokens, enrolment codes and the rules for agents. */
import { z } from 'zod';
import { eventKind } from './event-kind';

/** Of earlier versions: true for the last event of an hour in which further refusals were not recorded. */
const furtherSuppressed = z.boolean().optional();
const suppressed = (params: { furtherSuppressed?: boolean }) =>
  params.furtherSuppressed === true ? ' Further refusals are suppressed for this hour.' : '';

/** The host that a code is for; null for any. */
const codeFor = z.object({ hostName: z.string().nullable() });

export const TOKEN_EVENT_KINDS = {
  'agent-token.created': eventKind({
    params: z.object({}),
    chain: 'main',
    category: 'auth',
    level: 'info',
    outcome: 'done',
    sentence: (_params, { hostName }) => `A token was created for ${hostName}.`,
  }),
  'agent-token.revoked': eventKind({
    params: z.object({}),
    chain: 'main',
    category: 'auth',
    level: 'info',
    outcome: 'done',
    sentence: (_params, { hostName }) => `A token of ${hostName} was revoked.`,
  }),
  'enrolment.created': eventKind({
    params: codeFor,
    chain: 'main',
    category: 'auth',
    level: 'info',
    outcome: 'done',
    sentence: ({ hostName }) => `An enrolment code was created for ${hostName ?? 'any host'}.`,
  }),
  'enrolment.revoked': eventKind({
    params: codeFor,
    chain: 'main',
    category: 'auth',
    level: 'info',
    outcome: 'done',
    sentence: ({ hostName }) => `An enrolment code for ${hostName ?? 'any host'} was revoked.`,
  }),
  /** `message`: the sentence that the agent was answered with. */
  'enrolment.refused': eventKind({
    params: z.discriminatedUnion('why', [
      z.object({ why: z.literal('wrong-code'), hostName: z.string(), furtherSuppressed }),
      z.object({ why: z.literal('not-allowed'), message: z.string(), furtherSuppressed }),
    ]),
    chain: 'peers',
    category: 'auth',
    level: 'warning',
    outcome: 'refused',
    sentence: (params, { address }) =>
      params.why === 'wrong-code'
        ? `An enrolment of ${params.hostName} from ${address} was refused: its code is wrong, used or expired.${suppressed(params)}`
        : `An enrolment from ${address} was refused. ${params.message}${suppressed(params)}`,
  }),
  'agents.rule': eventKind({
    params: z.object({ rule: z.enum(['sharedToken', 'approval']), value: z.boolean() }),
    chain: 'main',
    category: 'auth',
    level: 'info',
    outcome: 'done',
    sentence: ({ rule, value }) => {
      switch (rule) {
        case 'sharedToken':
          return value ? 'The shared agent token is accepted again.' : 'The shared agent token is refused from now on.';
        case 'approval':
          return value
            ? 'New hosts wait for approval from now on.'
            : 'New hosts are admitted without approval from now on.';
      }
    },
  }),
  'agent.refused': eventKind({
    params: z.object({ token: z.enum(['none', 'not-valid']), furtherSuppressed }),
    chain: 'peers',
    category: 'auth',
    level: 'warning',
    outcome: 'refused',
    sentence: (params, { address }) => {
      const why = params.token === 'none' ? 'it sent no token' : 'its token is wrong, expired or revoked';
      return `An agent at ${address} was refused: ${why}. It keeps trying; this event is recorded once an hour.${suppressed(params)}`;
    },
  }),
  'agent.shared-token-refused': eventKind({
    params: z.object({ furtherSuppressed }),
    chain: 'peers',
    category: 'auth',
    level: 'warning',
    outcome: 'refused',
    sentence: (params, { address }) =>
      `An agent at ${address} was refused: it used the shared token, which is not accepted. Create a token for its host.${suppressed(params)}`,
  }),
};
