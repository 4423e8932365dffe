/** A process for the test of concurrent starts: prints `ready`, waits for a line, loads the secrets and prints them. */
import { loadSecrets } from '../secrets';

const [dataDir = ''] = process.argv.slice(2);
process.stdout.write('ready\n');
process.stdin.once('data', () => {
  const { secrets } = loadSecrets(dataDir, { sessionSecret: null, agentToken: null });
  process.stdout.write(`${JSON.stringify(secrets)}\n`);
});
