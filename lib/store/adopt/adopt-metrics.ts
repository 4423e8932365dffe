/** Maps a row of the Go dashboard's table of metrics, which other tools may have written. */
import type { KnownHost } from './adopt-command';
import type { OldRow } from './old-row';
import type { MetricsSample } from '@/lib/fleet/records/host-record';

/** Null when the host or the time is unknown. */
export function mapSample(row: OldRow, context: { host(oldId: string): KnownHost | null }): MetricsSample | null {
  const host = context.host(row.text('host_id', { max: 255 }));
  const at = row.time('recorded_at');
  if (!host || at === null) return null;
  const amount = (column: string) => {
    const value = row.take(column);
    if (value === null) return null;
    const number = Number(value instanceof Buffer ? NaN : value);
    if (Number.isFinite(number) && value !== '') return number;
    row.reject(column, 'is not a number.');
    return null;
  };
  return {
    hostId: host.id,
    at,
    metrics: { cpu: amount('cpu'), ram: amount('ram'), swap: amount('swap'), load: amount('load') },
  };
}
