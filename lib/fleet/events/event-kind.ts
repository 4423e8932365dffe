/** What belongs to a code of an event. */
import { z } from 'zod';
import type { EventCategory, EventLevel } from '@/lib/protocol/event-categories';

/**
 * The chains of events. `main`: what operators and the dashboard do, and what becomes of it. `peers`: what agents, and
 * anyone without a session, can cause as often as they like. Each has its hashes and its bound, so that a flood of the
 * second never deletes the first. The names are stored.
 */
export const EVENT_CHAINS = ['main', 'peers'] as const;
export type EventChain = (typeof EVENT_CHAINS)[number];

/** What a sentence uses of the event besides its parameters. */
export interface EventSubject {
  /** Empty when the event is about no host. */
  hostName: string;
  /** Where it came from; empty when it came from no address. */
  address: string;
}

export interface EventKind<Params, Details = unknown> {
  /**
   * The facts that the sentence and the links of the event use, JSON-serialisable; never secrets. Text only where it comes
   * from outside or is stored elsewhere as well. Stored events are read for years: a parameter that is added later is
   * optional, and none changes its meaning. Viewers are sent only what this schema reads, so it must not be strict.
   */
  params: z.ZodType<Params>;
  /** Further facts, for audits: stored, exported and never sent to a page. */
  details?: z.ZodType<Details>;
  /** The chain that it is stored in. A kind of the chain `peers` is also budgeted: see `PeerEventBudget`. */
  chain: EventChain | ((params: Params & Details) => EventChain);
  category: EventCategory | ((params: Params & Details) => EventCategory);
  level: EventLevel | ((params: Params & Details) => EventLevel);
  /** How it ended, as programs read it. Empty unless given. */
  outcome?: string | ((params: Params & Details) => string);
  /** The sentence for a person: pure, the same in the browser and on the server. */
  sentence: (params: Params, subject: EventSubject) => string;
}

/** A time in epoch milliseconds that a date can hold. */
export const timeSchema = z.number().min(-8.64e15).max(8.64e15);

/** One entry of the table of events; the types of its functions follow from its schemas. */
export function eventKind<Params, Details = unknown>(kind: EventKind<Params, Details>): EventKind<Params, Details> {
  return kind;
}
