import type { ActivityFilter } from './activity-filter';
import { exportEvent, exportHead, type ExportFormat } from './event-export';
import { readEventPage, type EventSource } from './event-pages';

/** Events per chunk: some tens of kilobytes, read as fast as the client consumes them. */
const BATCH_EVENTS = 500;

/** The matching events as the bytes of a file, newest first. Events that happen meanwhile are not included. */
export function exportStream(
  source: EventSource,
  filter: ActivityFilter,
  format: ExportFormat,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let before: number | null = null;
  return new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(exportHead(format)));
    },
    async pull(controller) {
      // A filter with few matches searches many events without output: one page per turn of the event loop.
      const page = await readEventPage(source, filter, before, BATCH_EVENTS);
      before = page.next;
      controller.enqueue(encoder.encode(page.events.map((event) => exportEvent(format, event)).join('')));
      if (page.next === null) controller.close();
    },
  });
}
