/** Starts on an older database and dies by SIGKILL right after the given step (`update-child.ts FOLDER STEP [KEY]`). */
import { createLog } from '@/lib/log';
import { lockDatabase } from '@/lib/store/sqlite/open-database';
import { backUpBeforeUpdate } from '../update-backup';
import { updateOptions } from './update-options';

const [folder = '', step = '', key] = process.argv.slice(2);
const log = createLog('error', { write: () => undefined });
const options = updateOptions(folder, log);
const locked = lockDatabase(`${folder}/nixfleet.db`, log);
await backUpBeforeUpdate(locked, {
  ...options,
  key: key ?? null,
  onStep: (done) => {
    if (done === step) process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write('ended\n');
