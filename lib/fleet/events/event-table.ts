/**
 * Every kind of event by its code, which is stored, exported and searched for: a code never changes. An event stores its
 * code and its parameters; the sentence is made where it is shown (docs/decisions/0057-events-as-codes.md).
 */
import { AGENT_EVENT_KINDS } from './agent-event-kinds';
import { COMMAND_EVENT_KINDS } from './command-event-kinds';
import type { EventChain, EventKind, EventSubject } from './event-kind';
import { FLAKE_UPDATE_EVENT_KINDS } from './flake-update-event-kinds';
import { HOST_EVENT_KINDS } from './host-event-kinds';
import { PEER_EVENT_KINDS } from './peer-event-kinds';
import { PIPELINE_EVENT_KINDS } from './pipeline-event-kinds';
import { SIGN_IN_EVENT_KINDS } from './sign-in-event-kinds';
import { TOKEN_EVENT_KINDS } from './token-event-kinds';
import { UPKEEP_EVENT_KINDS } from './upkeep-event-kinds';
import type { EventCategory, EventLevel } from '@/lib/protocol/event-categories';

const KINDS = {
  ...COMMAND_EVENT_KINDS,
  ...PIPELINE_EVENT_KINDS,
  ...HOST_EVENT_KINDS,
  ...AGENT_EVENT_KINDS,
  ...SIGN_IN_EVENT_KINDS,
  ...TOKEN_EVENT_KINDS,
  ...FLAKE_UPDATE_EVENT_KINDS,
  ...UPKEEP_EVENT_KINDS,
  ...PEER_EVENT_KINDS,
};

type ParamsOf<Kind> = Kind extends EventKind<infer Params, infer _Details> ? Params : never;
type DetailsOf<Kind> = Kind extends EventKind<infer _Params, infer Details> ? Details : never;
type ShownByCode = { [Code in keyof typeof KINDS]: ParamsOf<(typeof KINDS)[Code]> };
type DetailsByCode = { [Code in keyof typeof KINDS]: DetailsOf<(typeof KINDS)[Code]> };

export type EventCode = keyof ShownByCode;
/** All parameters of an event, as it is stored. */
export type EventParams<Code extends EventCode> = ShownByCode[Code] & DetailsByCode[Code];

/** A code with its parameters: a union over all codes. */
export type CodedEvent<Code extends EventCode = EventCode> = {
  [Each in Code]: { action: Each; params: EventParams<Each> };
}[Code];

/** A code with the parameters that its sentence uses. */
export type ReadableEvent<Code extends EventCode = EventCode> = {
  [Each in Code]: { action: Each; params: ShownByCode[Each] };
}[Code];

export const EVENT_KINDS: { readonly [Code in EventCode]: EventKind<ShownByCode[Code], DetailsByCode[Code]> } = KINDS;

export function isEventCode(action: string): action is EventCode {
  return Object.hasOwn(EVENT_KINDS, action);
}

/**
 * A stored event with the parameters that its sentence uses; null when the parameters are not those of this version.
 */
export function readEvent<Code extends EventCode>(action: Code, params: unknown): ReadableEvent<Code> | null {
  const parsed = EVENT_KINDS[action].params.safeParse(params);
  return parsed.success ? { action, params: parsed.data } : null;
}

/** What follows from the code and the parameters of an event, besides its sentence. */
export interface EventClass {
  category: EventCategory;
  level: EventLevel;
  outcome: string;
}

export function classOf<Code extends EventCode>({ action, params }: CodedEvent<Code>): EventClass {
  const { category, level, outcome = '' } = EVENT_KINDS[action];
  return {
    category: typeof category === 'function' ? category(params) : category,
    level: typeof level === 'function' ? level(params) : level,
    outcome: typeof outcome === 'function' ? outcome(params) : outcome,
  };
}

/** The chain that an event is stored in. */
export function chainOf<Code extends EventCode>({ action, params }: CodedEvent<Code>): EventChain {
  const { chain } = EVENT_KINDS[action];
  return typeof chain === 'function' ? chain(params) : chain;
}

/** The sentence of an event that is not stored yet; of a stored one: `eventSentence`. */
export function sentenceOf<Code extends EventCode>(event: ReadableEvent<Code> & EventSubject): string {
  const { action, params, hostName, address } = event;
  return EVENT_KINDS[action].sentence(params, { hostName, address });
}
