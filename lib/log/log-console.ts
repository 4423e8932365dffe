/**
 * Routes console output of Next, React and next-auth through the log, because it may hold text from a request: the log
 * makes it one harmless line and bounds its amount.
 */
import { format, stripVTControlCharacters } from 'node:util';
import type { Log } from '.';

type ConsoleMethod = 'debug' | 'trace' | 'log' | 'info' | 'warn' | 'error';
type Write = (...values: unknown[]) => void;

const LEVELS: Readonly<Record<ConsoleMethod, 'debug' | 'info' | 'warn' | 'error'>> = {
  debug: 'debug',
  trace: 'debug',
  log: 'info',
  info: 'info',
  warn: 'warn',
  error: 'error',
};

/** Longest text of one call, in UTF-16 units. */
const MAX_TEXT_LENGTH = 4_000;

/** Routes the console of this process to the log. Returns a function that restores it, for tests. */
export function routeConsole(
  log: Pick<Log, 'debug' | 'info' | 'warn' | 'error'>,
  target: Record<ConsoleMethod, Write> = globalThis.console,
): () => void {
  const before = { ...target };
  for (const [method, level] of Object.entries(LEVELS)) {
    target[method as ConsoleMethod] = (...values) => {
      const text = stripVTControlCharacters(format(...values).slice(0, MAX_TEXT_LENGTH)).trim();
      if (text !== '') log[level]({ source: 'console' }, text);
    };
  }
  return () => void Object.assign(target, before);
}
