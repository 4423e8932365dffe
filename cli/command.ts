/** What a command of the `nixfleet` program is, and how it ends. */
import type { Environment } from '@/lib/config';
import type { Terminal } from './terminal';

/** As scripts read it: 0 done, 1 failed, 2 called in a wrong way. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface Call {
  /** What follows the command's name. */
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
  /** Throws a Problem for what the operator can mend; anything else thrown is a fault of the program. */
  run(call: Call): Promise<ExitCode>;
}

/** What went wrong, as a sentence that says what to do. `usage`: the command was called in a wrong way. */
export class Problem extends Error {
  readonly kind: 'failed' | 'usage';

  constructor(kind: 'failed' | 'usage', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'Problem';
    this.kind = kind;
  }
}
