/**
 * The log: pino, one JSON object a line. Secret fields are redacted, characters that could control a terminal are
 * escaped, and lines are bounded in length and number.
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import { LINES_PER_WINDOW, LineBudget } from './log-limit';
import { escapeUnsafe } from '@/lib/text/plain-text';

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

/** Longest line, in UTF-16 units. A stack trace fits. */
export const MAX_LINE_LENGTH = 16_384;
/** Longest value in a truncated line. */
const MAX_VALUE_LENGTH = 1_000;
/** Most values in a truncated line. */
const MAX_VALUES = 12;

/** Creates the root logger. `destination` is for tests; without it, lines go to standard output. */
export function createLog(level: LogLevel, destination?: DestinationStream): Logger {
  const budget = new LineBudget((message, leftOut) => {
    log.warn({ message, leftOut }, 'a message was repeated; further repeats were suppressed');
  });
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[redacted]',
    },
    hooks: {
      logMethod(this: Logger, args: Parameters<Logger['info']>, method: Logger['info']) {
        if (budgetKeys(args).every(([key, lines]) => budget.allows(key, lines))) method.apply(this, args);
      },
      streamWrite: (line: string) => escapeUnsafe(line.length > MAX_LINE_LENGTH ? shortened(line) : line),
    },
  };
  const log = destination ? pino(options, destination) : pino(options);
  return log;
}

/** Letters that distinguish messages with a source: their beginning is rarely untrusted text. */
const MESSAGE_PREFIX_LENGTH = 24;
/** Lines of one source within a window. */
const MAX_LINES_PER_SOURCE = 10 * LINES_PER_WINDOW;

/** The budget keys of a line, with their limits. Messages with a source hold untrusted text. */
function budgetKeys([first, second]: readonly unknown[]): (readonly [key: string, lines: number])[] {
  const message = String(typeof first === 'string' ? first : second);
  if (typeof first !== 'object' || first === null || !('source' in first)) return [[message, LINES_PER_WINDOW]];
  const source = String(first.source);
  const beginning = message.replace(/[^a-z ]/gi, '').slice(0, MESSAGE_PREFIX_LENGTH);
  return [
    [`${source}: ${beginning}`, LINES_PER_WINDOW],
    [source, MAX_LINES_PER_SOURCE],
  ];
}

/** Truncates the values of a line; nested values are truncated as JSON. */
function shortened(line: string): string {
  const fields = JSON.parse(line) as Record<string, unknown>;
  const kept = Object.entries(fields)
    .sort(([one], [other]) => Number(ALWAYS_KEPT.includes(other)) - Number(ALWAYS_KEPT.includes(one)))
    .slice(0, MAX_VALUES)
    .map(([name, value]) => [name.slice(0, 100), cut(value)]);
  return `${JSON.stringify({ ...Object.fromEntries(kept), cutFrom: line.length })}\n`;
}

const ALWAYS_KEPT: readonly string[] = ['level', 'time', 'msg'];

function cut(value: unknown): unknown {
  const text = typeof value === 'object' ? JSON.stringify(value) : value;
  return typeof text === 'string' && text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : value;
}
