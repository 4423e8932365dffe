/** What the main thread and a thread of the store send each other. */
import type { Log } from '@/lib/log';
import type { ErrorValue } from './error-value';

/** The writer may do everything; the reader has a connection that can't write. */
export type ThreadRole = 'writer' | 'reader';

export interface Call {
  kind: 'call';
  id: number;
  port: string;
  method: string;
  args: readonly unknown[];
}

export type ToThread =
  | Call
  /** Close the file and end, after everything sent before. */
  | { kind: 'stop' };

export type LogLevel = keyof Log;

export type FromThread =
  /** The file is open. The names of the methods, by port. */
  | { kind: 'ready'; methods: Readonly<Record<string, readonly string[]>> }
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'refusal'; id: number; error: ErrorValue }
  | { kind: 'log'; level: LogLevel; fields: object; message: string }
  /** The last message: the file is closed, or could not be opened or closed. */
  | { kind: 'closed'; error: ErrorValue | null };
