/** Events as files: NDJSON for programs, CSV for spreadsheets. */
import { eventSentence } from '@/lib/fleet/events/event-sentence';
import type { EventView } from '@/lib/protocol/live/views/event-view';

export const EXPORT_FORMATS = ['ndjson', 'csv'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const CONTENT_TYPES: Record<ExportFormat, string> = {
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
};

const COLUMNS: readonly [string, (event: EventView) => string][] = [
  ['id', (event) => String(event.id)],
  ['time', (event) => new Date(event.at).toISOString()],
  ['level', (event) => event.level],
  ['category', (event) => event.category],
  ['action', (event) => event.action],
  ['actor', (event) => event.actor],
  ['address', (event) => event.address],
  ['host', (event) => event.hostName],
  ['host_id', (event) => event.hostId ?? ''],
  ['command_id', (event) => event.commandId ?? ''],
  ['outcome', (event) => event.outcome],
  ['message', eventSentence],
];

/** The header before the first event; empty for NDJSON. */
export function exportHead(format: ExportFormat): string {
  return format === 'csv' ? csvLine(COLUMNS.map(([name]) => name)) : '';
}

/** One event with its line ending. */
export function exportEvent(format: ExportFormat, event: EventView): string {
  if (format === 'csv') return csvLine(COLUMNS.map(([, value]) => value(event)));
  return `${JSON.stringify({ ...event, at: new Date(event.at).toISOString(), message: eventSentence(event) })}\n`;
}

function csvLine(values: readonly string[]): string {
  return `${values.map(csvField).join(',')}\r\n`;
}

// Also the full-width signs, which some spreadsheets treat like the plain ones, and white space before any of them.
const FORMULA = /^(?:[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20])/;

/**
 * One value of a CSV line (RFC 4180). A value that a spreadsheet would run as a formula gets an apostrophe in front,
 * because agents and sign-in attempts can put arbitrary text into events.
 */
export function csvField(value: string): string {
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}
