/** What a page is sent of an event. */
import { isEventCode, readEvent } from './event-table';
import type { EventView } from '@/lib/protocol/live/views/event-view';

/**
 * An event with the parameters that its sentence and its links use. Others are for audits: the store and the export keep
 * them. An event whose parameters this version can't read is shown by its parameters, so it keeps all of them.
 */
export function shownEvent(event: EventView): EventView {
  const { action, params } = event;
  const read = isEventCode(action) ? readEvent(action, params) : null;
  return read === null ? event : { ...event, params: { ...read.params } };
}
