/** Takes over the old database at a path, in a process of its own, and says how long it took and how much memory. */
import { closeDatabase, openDatabase } from '@/lib/store/sqlite/open-database';
import { createLog } from '@/lib/log';

const [path = ''] = process.argv.slice(2);
const startedAt = performance.now();
const db = openDatabase(path, { log: createLog('error') });
const ms = performance.now() - startedAt;
const count = (table: string) => db.$client.prepare<[], number>(`select count(*) from ${table}`).pluck().get() ?? 0;
const counts = { hosts: count('hosts'), commands: count('commands') };
closeDatabase(db);
// Kibibytes, of which it is the highest that the process ever had (getrusage(2)).
process.stdout.write(`${JSON.stringify({ ms, peakBytes: process.resourceUsage().maxRSS * 1024, ...counts })}\n`);
