/** Opens the database of an older dashboard and dies by SIGKILL right after the given step (`adopt-child.ts PATH STEP`). */
import { createLog } from '@/lib/log';
import { openAdopting } from './open-adopting';

const [path = '', step = ''] = process.argv.slice(2);

openAdopting(path, {
  log: createLog('error', { write: () => undefined }),
  onStep: (done) => {
    if (done === step) process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write('opened\n');
