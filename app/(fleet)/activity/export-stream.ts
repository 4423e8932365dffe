import type { ActivityFilter } from './activity-filter';
import { exportEvent, exportHead, type ExportFormat } from './event-export';
import { readEventPage, type ReadEvents } from './event-pages';

/** Events written at once: some tens of kilobytes, read as fast as the reader takes them. */
const BATCH_EVENTS = 500;

/** The events of a filter as the bytes of a file, newest first. Events that come while it is read are not in it. */
export function exportStream(
  read: ReadEvents,
  filter: ActivityFilter,
  format: ExportFormat,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let before: number | null = null;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(exportHead(format)));
    },
    pull(controller) {
      // A filter that finds little looks at many events without writing: one look for each turn of the event loop.
      const page = readEventPage(read, filter, before, BATCH_EVENTS);
      before = page.next;
      controller.enqueue(encoder.encode(page.events.map((event) => exportEvent(format, event)).join('')));
      if (page.next === null) controller.close();
    },
  });
}
