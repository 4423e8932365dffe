/** The log of a thread: its lines go to the main thread, which writes them. */
import type { Log } from '@/lib/log';
import type { FromThread, LogLevel } from './thread-messages';

type Post = (message: FromThread) => void;

export function createThreadLog(post: Post): Log {
  const at =
    (level: LogLevel) =>
    (...args: readonly unknown[]): void =>
      postLine(post, level, args);
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
  };
}

function postLine(post: Post, level: LogLevel, [first, second]: readonly unknown[]): void {
  const fields = typeof first === 'object' && first !== null ? first : {};
  const message = [first, second].find((value) => typeof value === 'string') ?? '';
  try {
    post({ kind: 'log', level, fields, message });
  } catch {
    // Fields that can't be cloned must not make a call fail.
    post({ kind: 'log', level, fields: { fields: Object.keys(fields) }, message });
  }
}
