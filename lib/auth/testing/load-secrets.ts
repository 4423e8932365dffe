/** A process of its own for the test of two starts: says `ready`, waits for a line, loads the secrets and says them. */
import { loadSecrets } from '../secrets';

const [dataDir = ''] = process.argv.slice(2);
process.stdout.write('ready\n');
process.stdin.once('data', () => {
  const { secrets } = loadSecrets(dataDir, { sessionSecret: null, agentToken: null });
  process.stdout.write(`${JSON.stringify(secrets)}\n`);
});
