/** Adopts the old database at a path, in a separate process, and prints the time and memory it took. */
import { adoptOldDatabase } from '@/lib/store/adopt/adopt';
import { closeDatabase, lockDatabase, openLockedDatabase } from '@/lib/store/sqlite/open-database';
import { createLog } from '@/lib/log';

const [path = ''] = process.argv.slice(2);
const log = createLog('error');
const startedAt = performance.now();
const locked = lockDatabase(path, log);
adoptOldDatabase(locked, { log });
const db = openLockedDatabase(locked, { log });
const ms = performance.now() - startedAt;
const count = (table: string) => db.$client.prepare<[], number>(`select count(*) from ${table}`).pluck().get() ?? 0;
const counts = { hosts: count('hosts'), commands: count('commands') };
closeDatabase(db);
// Kibibytes, of which it is the highest that the process ever had (getrusage(2)).
process.stdout.write(`${JSON.stringify({ ms, peakBytes: process.resourceUsage().maxRSS * 1024, ...counts })}\n`);
