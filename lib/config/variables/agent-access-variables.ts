/** Variables of the tokens and the admission of agents. */
import { boolean, text } from '../parsers';
import { optional, variable, type Variable } from './variable';

export const AGENT_ACCESS_VARIABLES = {
  agentToken: variable({
    name: 'NIXFLEET_AGENT_TOKEN',
    prose: 'The shared token that agents present.',
    parse: optional(text),
    fallback: null,
    fallbackText: 'made by the dashboard',
    fallbackSource: 'made by the dashboard',
    shows: 'secret',
    formerly: { name: 'NIXFLEET_API_TOKEN' },
  }),
  allowSharedAgentToken: variable({
    name: 'NIXFLEET_ALLOW_SHARED_AGENT_TOKEN',
    prose:
      'Whether the shared token is accepted. If not, each host needs a host token. When unset, the setting in the interface applies.',
    parse: optional(boolean),
    fallback: null,
    fallbackText: 'true',
    fallbackSource: 'set here',
  }),
  agentTokenHashSecret: variable({
    name: 'NIXFLEET_AGENT_TOKEN_HASH_SECRET',
    prose: "Version 1's secret for the tokens of its hosts. With it, tokens from an adopted database stay valid.",
    parse: optional(text),
    fallback: null,
    fallbackText: 'not set',
    shows: 'secret',
  }),
  agentApproval: variable({
    name: 'NIXFLEET_AGENT_APPROVAL',
    prose: 'Whether unknown hosts wait for approval. When unset, the setting in the interface applies.',
    parse: optional(boolean),
    fallback: null,
    fallbackText: 'false',
    fallbackSource: 'set here',
  }),
} satisfies Record<string, Variable<unknown>>;
