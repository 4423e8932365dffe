/** The agent's log: one line each to stderr, where systemd and launchd collect it. */
import { plainText } from '@/lib/text/plain-text';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type AgentLog = Record<LogLevel, (message: string) => void>;

/** A log that writes messages of `level` and above, after `redact` has removed every secret. */
export function createAgentLog(
  level: LogLevel,
  redact: (text: string) => string = (text) => text,
  write: (line: string) => void = (line) => void process.stderr.write(line),
): AgentLog {
  const lowest = LOG_LEVELS.indexOf(level);
  const at = (name: LogLevel) => (message: string) => {
    if (LOG_LEVELS.indexOf(name) < lowest) return;
    const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
    write(`${time} ${name} ${plainText(redact(message))}\n`);
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
