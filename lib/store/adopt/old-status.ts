/** Maps what older dashboards stored of tests, compartments and metrics to today's values. */
import { plainText } from '@/lib/text/plain-text';
import { parseOldTime } from './old-time';
import type { OldRow } from './old-row';
import type { CompartmentReport } from '@/lib/fleet/records/host-record';
import type { CompartmentStatus } from '@/lib/protocol/compartment-names';
import type { MetricsView } from '@/lib/protocol/live/views/host-view';

const MAX_COUNT = 1_000_000;
/** `working` is not a result: the work has ended, and its outcome is unknown. */
const WORDS: readonly CompartmentStatus[] = ['ok', 'outdated', 'error', 'unknown'];
const METRICS = ['cpu', 'ram', 'swap', 'load'] as const;

/** A status stored by the Go dashboard: JSON of status, message and time. `generation`: the host's at that time. */
export function oldStatus(
  row: OldRow,
  column: string,
  generation: string,
  fallbackAt: number,
): CompartmentReport | null {
  const value = row.object(column);
  if (!value) return null;
  const status = WORDS.find((word) => word === value.status);
  if (!status) {
    row.reject(column, `has the status ${JSON.stringify(value.status ?? null).slice(0, 40)}, which is not a result.`);
    return null;
  }
  const checkedAt = typeof value.checked_at === 'string' ? value.checked_at : '';
  const message = typeof value.message === 'string' ? plainText(value.message) : '';
  if (message !== (value.message ?? '') || Object.keys(value).length > 3) row.keep(column);
  return { status, message, saidAt: plainText(checkedAt, 64), at: parseOldTime(checkedAt) ?? fallbackAt, generation };
}

/** The counts of version 1's last test run, or of the Go dashboard's `test_progress`. Neither names its commit. */
export function oldTestStatus(row: OldRow, fallbackAt: number): CompartmentReport | null {
  const running = row.integer('test_running', 0, 1);
  const current = row.integer('test_current', 0, MAX_COUNT);
  const total = row.integer('test_total', 0, MAX_COUNT);
  const passed = row.integer('test_passed_count', 0, MAX_COUNT);
  const result = row.text('test_result');
  // A host that never ran a test has zeros.
  if (total !== 0 || running !== 0) {
    for (const column of ['test_running', 'test_current', 'test_total', 'test_passed_count']) row.keep(column);
  }
  const audit = row.take('last_audit');
  row.keep('last_audit');
  const at = parseOldTime(audit) ?? fallbackAt;
  const status = { saidAt: '', at, generation: '' };
  if (total === null || total === 0) {
    return result === '' ? null : { ...status, status: 'unknown', message: result };
  }
  if (running === 1) {
    return { ...status, status: 'unknown', message: `A test run was in progress: ${current ?? 0} of ${total} tests.` };
  }
  const message = result === '' ? `${passed ?? 0} of ${total} tests passed` : result;
  return { ...status, status: passed === total ? 'ok' : 'error', message };
}

/** Metrics as an agent sent them. Version 1's load is a string, in some locales with a comma. */
export function oldMetrics(row: OldRow, column: string): MetricsView | null {
  const value = row.object(column);
  if (!value) return null;
  const metrics: MetricsView = { cpu: null, ram: null, swap: null, load: null };
  for (const name of METRICS) {
    const stored = value[name] ?? null;
    const number =
      typeof stored === 'string' && stored.trim() !== '' ? Number(stored.trim().replace(',', '.')) : stored;
    if (typeof number === 'number' && Number.isFinite(number) && number >= 0) metrics[name] = number;
    else if (stored !== null) row.reject(column, `has no number for ${name}.`);
  }
  if (Object.keys(value).some((key) => !METRICS.some((name) => name === key))) row.keep(column);
  return Object.values(metrics).some((amount) => amount !== null) ? metrics : null;
}
