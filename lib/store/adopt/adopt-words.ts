/** What older dashboards stored of tests, compartments and metrics, as the words of today. */
import { plainText } from '@/lib/text/plain-text';
import { parseOldTime } from './old-time';
import type { OldRow } from './old-row';
import type { CompartmentReport } from '@/lib/fleet/records/host-record';
import type { CompartmentStatus } from '@/lib/protocol/compartment-names';
import type { MetricsView } from '@/lib/protocol/live/views/host-view';

const MAX_COUNT = 1_000_000;
/** `working` is no result: what was under way is over, and nobody knows how it went. */
const WORDS: readonly CompartmentStatus[] = ['ok', 'outdated', 'error', 'unknown'];
const METRICS = ['cpu', 'ram', 'swap', 'load'] as const;

/** A word of the Go dashboard: JSON of status, message and time. `generation`: what the host had when it was said. */
export function statusWord(
  row: OldRow,
  column: string,
  generation: string,
  fallbackAt: number,
): CompartmentReport | null {
  const value = row.object(column);
  if (!value) return null;
  const status = WORDS.find((word) => word === value.status);
  if (!status) {
    row.mend(column, `has the status ${JSON.stringify(value.status ?? null).slice(0, 40)}, which is no result.`);
    return null;
  }
  const said = typeof value.checked_at === 'string' ? value.checked_at : '';
  const message = typeof value.message === 'string' ? plainText(value.message) : '';
  if (message !== (value.message ?? '') || Object.keys(value).length > 3) row.keep(column);
  return { status, message, saidAt: plainText(said, 64), at: parseOldTime(said) ?? fallbackAt, generation };
}

/** The counts of version 1's last test run, or of the Go dashboard's `test_progress`. Neither says for which commit. */
export function testWord(row: OldRow, fallbackAt: number): CompartmentReport | null {
  const running = row.integer('test_running', 0, 1);
  const current = row.integer('test_current', 0, MAX_COUNT);
  const total = row.integer('test_total', 0, MAX_COUNT);
  const passed = row.integer('test_passed_count', 0, MAX_COUNT);
  const result = row.text('test_result');
  // Zeros are what a host has that never ran a test.
  if (total !== 0 || running !== 0) {
    for (const column of ['test_running', 'test_current', 'test_total', 'test_passed_count']) row.keep(column);
  }
  const audit = row.take('last_audit');
  row.keep('last_audit');
  const at = parseOldTime(audit) ?? fallbackAt;
  const word = { saidAt: '', at, generation: '' };
  if (total === null || total === 0) {
    return result === '' ? null : { ...word, status: 'unknown', message: result };
  }
  if (running === 1) {
    return { ...word, status: 'unknown', message: `A run was under way: ${current ?? 0} of ${total} tests.` };
  }
  const message = result === '' ? `${passed ?? 0} of ${total} tests passed` : result;
  return { ...word, status: passed === total ? 'ok' : 'error', message };
}

/** Metrics as an agent sent them. Version 1's load is a string, in some locales with a comma. */
export function oldMetrics(row: OldRow, column: string): MetricsView | null {
  const value = row.object(column);
  if (!value) return null;
  const metrics: MetricsView = { cpu: null, ram: null, swap: null, load: null };
  for (const name of METRICS) {
    const said = value[name] ?? null;
    const number = typeof said === 'string' && said.trim() !== '' ? Number(said.trim().replace(',', '.')) : said;
    if (typeof number === 'number' && Number.isFinite(number) && number >= 0) metrics[name] = number;
    else if (said !== null) row.mend(column, `has no number for ${name}.`);
  }
  if (Object.keys(value).some((key) => !METRICS.some((name) => name === key))) row.keep(column);
  return Object.values(metrics).some((amount) => amount !== null) ? metrics : null;
}
