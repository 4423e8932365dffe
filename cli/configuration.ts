/** The dashboard's configuration, for commands that use its files. */
import { createLog, type Log } from '@/lib/log';
import { readConfig, type Config, type Environment } from '@/lib/config';
import { Problem } from './command';

/** Throws a Problem that lists everything wrong with the configuration. */
export function requireConfig(env: Environment): Config {
  const read = readConfig(env);
  if (read.ok) return read.config;
  throw new Problem(
    'failed',
    `The configuration has problems:\n${read.problems.map((one) => `  - ${one}`).join('\n')}`,
  );
}

/** A log on standard error: standard output is for the command's result. */
export function commandLog(): Log {
  return createLog('warn', { write: (line) => void process.stderr.write(line) });
}
