/** A log for what anybody on the network can cause: however many requests come, it stays readable. */
import { limitKey } from '@/lib/limits/address-key';
import { OncePer } from '@/lib/limits/once-per';
import type { FleetLog } from '@/lib/fleet/records/environment';

/** A line of one address is repeated at most this often. */
export const REPEAT_AFTER_MS = 60_000;
/** Lines of all addresses within that time. */
export const MAX_LINES = 60;
const MAX_REMEMBERED = 1_000;

/**
 * Lines of level `info` and `warn` are logged once a minute for each message, `address` and `path` (fields), and 60 a
 * minute over all; the last of these says that more are not logged. Errors of the dashboard always are. `now`:
 * monotonic, ms.
 */
export function createPeerLog(log: FleetLog, now: () => number): FleetLog {
  const logged = new OncePer(REPEAT_AFTER_MS, MAX_REMEMBERED);
  let minute = { since: -Infinity, lines: 0 };

  const limited = (level: 'info' | 'warn') => (fields: object, message: string) => {
    const at = now();
    if (at - minute.since >= REPEAT_AFTER_MS) minute = { since: at, lines: 0 };
    if (minute.lines >= MAX_LINES) return;
    const from = limitKey(textIn(fields, 'address'));
    if (!logged.isDue(`${from} ${textIn(fields, 'path')} ${message}`, at)) return;
    minute.lines += 1;
    log[level](fields, message);
    if (minute.lines === MAX_LINES)
      log.warn({}, 'too many requests to log: further ones are not logged for the rest of this minute');
  };
  return { info: limited('info'), warn: limited('warn'), error: (fields, message) => log.error(fields, message) };
}

function textIn(fields: object, name: string): string {
  const value: unknown = Reflect.get(fields, name);
  return typeof value === 'string' ? value : '';
}
