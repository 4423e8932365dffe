/** The dashboard's configuration, for commands that work on its files. */
import { createLog, type Log } from '@/lib/log';
import { readConfig, type Config, type Environment } from '@/lib/config';
import { Problem } from './command';

/** Throws with all that is wrong with it. */
export function requireConfig(env: Environment): Config {
  const read = readConfig(env);
  if (read.ok) return read.config;
  throw new Problem(
    'failed',
    `The configuration has problems:\n${read.problems.map((one) => `  - ${one}`).join('\n')}`,
  );
}

/** Warnings go to standard error: standard output is for the command's answer. */
export function commandLog(): Log {
  return createLog('warn', { write: (line) => void process.stderr.write(line) });
}
