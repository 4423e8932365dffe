/** The log: pino, one JSON object a line, with every secret-looking field redacted. */
import { pino, type DestinationStream, type Logger } from 'pino';

export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Field names whose value never reaches the log, at the top and up to two levels down. */
const SECRET_FIELDS = [
  'password',
  'passwordHash',
  'token',
  'agentToken',
  'secret',
  'sessionSecret',
  'totp',
  'totpSecret',
  'code',
  'setupCode',
  'cookie',
  'authorization',
  'githubToken',
  'recoveryCodes',
];

/** Makes the root logger. `destination` is for tests; without it, lines go to standard output. */
export function createLog(level: LogLevel, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[redacted]',
    },
  };
  return destination ? pino(options, destination) : pino(options);
}
