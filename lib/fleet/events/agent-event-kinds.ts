/** Events of agents: their connections, what they report, and reports that can't be read. */
import { z } from 'zod';
import { eventKind } from './event-kind';
import { heldSentence, heldWhySchema } from './held-reasons';

const policyState = z.enum(['none', 'set', 'unreadable']);

/** Something that an agent sent and the dashboard did not accept. */
export const agentFaultSchema = z.discriminatedUnion('fault', [
  /** `problem`: what is wrong with the frame; repeats none of its content except names. */
  z.object({ fault: z.literal('unreadable'), problem: z.string() }),
  z.object({ fault: z.literal('unknown-type'), type: z.string() }),
  z.object({ fault: z.literal('binary') }),
  z.object({ fault: z.literal('unregistered'), type: z.string() }),
  z.object({ fault: z.literal('registered-twice') }),
  /** These three closed the connection. */
  z.object({ fault: z.literal('too-large'), maxMiB: z.number() }),
  z.object({ fault: z.literal('too-many-bytes-before-registering'), maxKiB: z.number() }),
  z.object({ fault: z.literal('too-many-unreadable'), max: z.number() }),
]);
export type AgentFault = z.infer<typeof agentFaultSchema>;

function faultSentence(fault: AgentFault): string {
  switch (fault.fault) {
    case 'unreadable':
      return `A frame could not be read: ${fault.problem}.`;
    case 'unknown-type':
      return `A frame of the unknown type "${fault.type}" was ignored.`;
    case 'binary':
      return 'A binary frame was ignored: the protocol has text frames only.';
    case 'unregistered':
      return `A ${fault.type} frame arrived before the agent registered; it was ignored.`;
    case 'registered-twice':
      return 'The agent registered twice on one connection; the second frame was ignored.';
    case 'too-large':
      return `A frame of more than ${fault.maxMiB} MiB was refused and the connection closed.`;
    case 'too-many-bytes-before-registering':
      return `The connection was closed: it sent more than ${fault.maxKiB} KiB before registering.`;
    case 'too-many-unreadable':
      return (
        `The connection was closed: more than ${fault.max} frames could not be read. ` +
        'Check the agent’s version and whether something else uses its token.'
      );
  }
}

export const AGENT_EVENT_KINDS = {
  /** `polls`: a version-1 agent, which has no connection. `version`: as the agent reports it; empty when it does not. */
  'agent.connected': eventKind({
    params: z.object({ polls: z.boolean(), version: z.string() }),
    chain: 'peers',
    category: 'agent',
    level: 'info',
    sentence: ({ polls, version }) =>
      polls
        ? `The version-1 agent${version === '' ? '' : ` ${version}`} started polling.`
        : `Agent ${version === '' ? 'of unknown version' : version} connected.`,
  }),
  'agent.disconnected': eventKind({
    params: z.discriminatedUnion('how', [
      /** `code`: that of the close frame, or of the socket's end. `reason`: text chosen by the agent. */
      z.object({ how: z.literal('closed'), code: z.number(), reason: z.string() }),
      z.object({ how: z.literal('stopped-polling') }),
    ]),
    chain: 'peers',
    category: 'agent',
    level: 'info',
    sentence: (params) =>
      params.how === 'stopped-polling'
        ? 'The version-1 agent stopped polling.'
        : `The connection ended (${params.code}${params.reason === '' ? '' : `, ${params.reason}`}).`,
  }),
  /** It connected more than `connects` times within an hour. */
  'agent.unsteady': eventKind({
    params: z.object({ connects: z.number() }),
    chain: 'peers',
    category: 'agent',
    level: 'warning',
    sentence: ({ connects }) =>
      `The agent connected more than ${connects} times within an hour: ` +
      'further connect and disconnect events are suppressed for this hour. Check its log and the network.',
  }),
  'agent.held': eventKind({
    params: z.union([
      heldWhySchema,
      /** A version-1 agent that polls for a host with a newer agent is answered but changes nothing. */
      z.object({ reason: z.literal('outdated-agent'), name: z.string() }),
    ]),
    chain: 'peers',
    category: 'agent',
    level: 'warning',
    sentence: (why) =>
      why.reason === 'outdated-agent'
        ? `A version-1 agent still polls for ${why.name}, which has a current agent: remove the version-1 agent.`
        : heldSentence(why),
  }),
  /** Connections that did not register were closed, `ofAddress` of them from the event's address, which has the most. */
  'agent.limit': eventKind({
    params: z.object({ closed: z.number(), ofAddress: z.number() }),
    chain: 'peers',
    category: 'agent',
    level: 'warning',
    sentence: ({ closed, ofAddress }, { address }) => {
      const what =
        closed === 1
          ? `1 agent connection from ${address} was closed because it had not registered.`
          : `${closed} agent connections were closed because they had not registered, ${ofAddress} of them from ${address}.`;
      return `${what} See Settings, About.`;
    },
  }),
  'agent.fault': eventKind({
    params: agentFaultSchema,
    chain: 'peers',
    category: 'agent',
    level: 'warning',
    sentence: faultSentence,
  }),
  /** A version-1 agent reported something that ends no command. `words`: a line of its report; empty without one. */
  /** What a host accepts has changed. `before`: null when it was not known. `problem`: a clause, where it can't be used. */
  'agent.policy': eventKind({
    params: z.object({ before: policyState.nullable(), now: policyState, problem: z.string() }),
    chain: 'peers',
    category: 'agent',
    level: ({ now, before }) => (now === 'unreadable' || (now === 'none' && before !== null) ? 'warning' : 'info'),
    sentence: ({ before, now, problem }) => {
      switch (now) {
        case 'none':
          return 'The host has no policy any more: it accepts everything.';
        case 'unreadable':
          return `The policy of the host can’t be used, so the host refuses every operation that would change it: ${problem}.`;
        case 'set':
          return before === 'set' ? 'The policy of the host has changed.' : 'The host follows a policy.';
      }
    },
  }),
  'agent.report': eventKind({
    params: z.object({ status: z.enum(['ok', 'error', 'unknown']), words: z.string() }),
    chain: 'peers',
    category: 'agent',
    level: ({ status }) => (status === 'ok' ? 'info' : 'warning'),
    sentence: ({ status, words }) => `The version-1 agent reported ${status}${words === '' ? '' : `: ${words}`}`,
  }),
};
