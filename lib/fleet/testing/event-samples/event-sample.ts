/** What an event's sample is, and the values that the samples share. */
import type { EventCode, EventParams } from '../../events/event-table';

export interface EventSample<Code extends EventCode> {
  params: EventParams<Code>;
  /** The host of the event; empty for none. */
  hostName?: string;
  sentence: string;
}

/** Samples of each of these codes. */
export type EventSamples<Code extends EventCode> = { readonly [Each in Code]: readonly EventSample<Each>[] };

/** The address of every sample. */
export const SAMPLE_ADDRESS = '192.0.2.7';

/** The time that samples with a time name, in epoch milliseconds. */
export const SAMPLE_TIME = Date.UTC(2026, 0, 2, 3, 4, 5);
