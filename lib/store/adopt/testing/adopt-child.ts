/** Opens the database of an older dashboard and dies by SIGKILL right after the given step (`child.ts PATH STEP`). */
import { createLog } from '@/lib/log';
import { openDatabase } from '../../sqlite/open-database';

const [path = '', step = ''] = process.argv.slice(2);

openDatabase(path, {
  log: createLog('error', { write: () => undefined }),
  onAdoptionStep: (done) => {
    if (done === step) process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write('opened\n');
