/** The commands of the `nixfleet` program and their exit codes. */
import type { Environment } from '@/lib/config';
import type { Terminal } from './terminal';

/** 0: done, 1: failed, 2: wrong usage. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Call {
  /** The arguments after the command's name. */
  args: readonly string[];
  env: Environment;
  terminal: Terminal;
}

export interface Command {
  /** One or two words. */
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** What `--help` prints. */
  help: string;
  /** Throws a Problem for what the operator can fix; any other error is a bug in the program. */
  run(call: Call): Promise<ExitCode>;
}

/** An error with a sentence that says what to do. `usage`: the command was called with wrong arguments. */
export class Problem extends Error {
  readonly kind: 'failed' | 'usage';

  constructor(kind: 'failed' | 'usage', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Problem';
    this.kind = kind;
  }
}
