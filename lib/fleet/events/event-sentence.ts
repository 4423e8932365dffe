/** The sentence of an event as pages and files show it. */
import { isEventCode, readEvent, sentenceOf } from './event-table';
import type { EventView } from '@/lib/protocol/live/views/event-view';

/**
 * The sentence of an event. An event that was stored with its sentence keeps it. One whose code or parameters this version
 * can't read (a newer version wrote it, or somebody edited the file) is shown as its code and its parameters.
 */
export function eventSentence(
  event: Pick<EventView, 'action' | 'params' | 'message' | 'hostName' | 'address'>,
): string {
  const { action, params, message, hostName, address } = event;
  if (message !== undefined) return message;
  const read = isEventCode(action) ? readEvent(action, params) : null;
  return read === null ? `${action} ${JSON.stringify(params)}` : sentenceOf({ ...read, hostName, address });
}
