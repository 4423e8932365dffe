/** Recorded events with what the table says of them. */
import { classOf, sentenceOf, type EventClass } from '../events/event-table';
import type { NewEvent } from '../records/event-record';

export type RecordedEvent = NewEvent & EventClass & { message: string };

export const recordedEvent = (event: NewEvent): RecordedEvent => ({
  ...event,
  ...classOf(event),
  message: sentenceOf(event),
});
