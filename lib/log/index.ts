/**
 * The log: pino, one JSON object a line. Secret-looking fields are redacted, every character is harmless to a terminal,
 * and lines are bounded in length and number, whoever has a say in what they hold.
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
/** What is kept of each value of a longer line. */
const MAX_VALUE_LENGTH = 1_000;
/** Values that are kept of a longer line. */
const MAX_VALUES = 12;

/** Makes the root logger. `destination` is for tests; without it, lines go to standard output. */
export function createLog(level: LogLevel, destination?: DestinationStream): Logger {
  const budget = new LineBudget((message, leftOut) => {
    log.warn({ message, leftOut }, 'a message was repeated; the rest of its lines were left out');
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

/** Letters by which messages with a source are told apart: how they begin is rarely somebody else's words. */
const TOLD_APART_BY = 24;
/** Lines of one source within a window, whatever they say. */
const LINES_OF_SOURCE = 10 * LINES_PER_WINDOW;

/** What a line counts for, each with its number of lines. Messages with a source are somebody else's words. */
function budgetKeys([first, second]: readonly unknown[]): (readonly [key: string, lines: number])[] {
  const message = String(typeof first === 'string' ? first : second);
  if (typeof first !== 'object' || first === null || !('source' in first)) return [[message, LINES_PER_WINDOW]];
  const source = String(first.source);
  const beginning = message.replace(/[^a-z ]/gi, '').slice(0, TOLD_APART_BY);
  return [
    [`${source}: ${beginning}`, LINES_PER_WINDOW],
    [source, LINES_OF_SOURCE],
  ];
}

/** The same line with its values cut; what holds further values is cut as their text. */
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
