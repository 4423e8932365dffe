/** Runs programs for operations. Output goes to the dashboard inside a command and to the log outside of one. */
import { constants } from 'node:os';
import { createCauseFinder, type Cause } from '@/lib/causes/find-cause';
import { startChild, type Child, type ChildEnd, type ChildOptions } from './process';
import type { OutputStream } from '@/lib/protocol/output-stream';

export interface RunOptions {
  cwd?: string;
  /** Default: the environment of every child. */
  env?: NodeJS.ProcessEnv;
  timeoutMs?: number;
  /** Ends the program (SIGTERM). */
  signal?: AbortSignal;
  /** Output goes to the caller only. */
  quiet?: boolean;
  outputFiles?: ChildOptions['outputFiles'];
  /** The lines that one line of output stands for. */
  translate?: (line: string, stream: OutputStream) => readonly string[];
  /** Whether a line that is shown may say why the program failed. Default: each may. */
  mayBeCause?: (line: string) => boolean;
}

/** How a program ended, and what it printed. */
export interface RunEnd {
  end: ChildEnd;
  ok: boolean;
  /** The first lines on stdout, as they are: for the agent alone. What is shown passes `Shell.redact`. */
  stdout: string[];
  /** The last lines on stderr, without secrets. */
  stderr: string[];
  /** The last lines on either, without secrets, in the order in which they arrived. */
  last: string[];
  /** Why it failed, by its output. Null when that says nothing. */
  cause: Cause | null;
}

export interface Shell {
  /** Removes secrets. Comes before anything is cut: half of a secret would not be recognised. */
  redact: (text: string) => string;
  say: (line: string, stream?: OutputStream) => void;
  /** Never rejects: failures are in the result. */
  run: (program: string, args: readonly string[], options?: RunOptions) => Promise<RunEnd>;
}

/** Lines of stdout that are kept for the caller. */
const MAX_KEPT_LINES = 1_000;
/** Lines of stderr that are kept for the caller, from its end. */
const MAX_KEPT_ERRORS = 100;
const MAX_LAST_LINES = 10;

export interface ShellOptions {
  cwd: () => string;
  env: NodeJS.ProcessEnv;
  /** Gets each line without secrets. */
  say: (line: string, stream: OutputStream) => void;
  /** Removes secrets. A build prints a hundred thousand lines: each passes it once. */
  redact?: (text: string) => string;
  /** Called with each program when it starts and with null when it ended; `outlives`: it survives the agent. */
  onChild?: (child: Child | null, outlives: boolean) => void;
  /** Called with each program when it starts. */
  onStart?: (child: Child) => void;
  /** While true, no program is started. */
  stopping?: () => boolean;
}

export function createShell(options: ShellOptions): Shell {
  const { redact = (text: string) => text } = options;
  const say = (line: string, stream: OutputStream) => options.say(redact(line), stream);
  return {
    redact,
    say: (line, stream = 'stdout') => say(line, stream),
    async run(program, args, run = {}) {
      const stdout: string[] = [];
      const stderr: string[] = [];
      const last: string[] = [];
      if (options.stopping?.() === true)
        return { end: { kind: 'signalled', signal: 'SIGTERM' }, ok: false, stdout, stderr, last, cause: null };
      // One for each stream: lines of the other one would break up an error of several lines.
      const finders = { stdout: createCauseFinder(), stderr: createCauseFinder() };
      const child = startChild({
        program,
        args,
        cwd: run.cwd ?? options.cwd(),
        env: run.env ?? options.env,
        timeoutMs: run.timeoutMs ?? null,
        outputFiles: run.outputFiles,
        onLine(line, stream) {
          if (stream === 'stdout' && stdout.length < MAX_KEPT_LINES) stdout.push(line);
          if (stream === 'stderr') keep(stderr, line, MAX_KEPT_ERRORS);
          keep(last, line, MAX_LAST_LINES);
          for (const shown of run.translate?.(line, stream) ?? [line]) {
            // A cause is cut: half of a secret would not be recognised.
            const clean = redact(shown);
            if (run.mayBeCause?.(clean) !== false) finders[stream].add(clean);
            if (run.quiet !== true) options.say(clean, stream);
          }
        },
      });
      options.onStart?.(child);
      const abort = (): void => void child.signal('SIGTERM');
      run.signal?.addEventListener('abort', abort);
      if (run.signal?.aborted === true) abort();
      options.onChild?.(child, run.outputFiles !== undefined);
      const end = await child.end;
      run.signal?.removeEventListener('abort', abort);
      options.onChild?.(null, false);
      if (end.kind === 'not-started' && run.quiet !== true) say(end.problem, 'stderr');
      if (end.kind === 'timed-out' && run.quiet !== true)
        say(`${program} did not end within ${Math.round(end.afterMs / 1000)} s and was stopped`, 'stderr');
      const isOk = end.kind === 'exited' && end.code === 0;
      const cause = isOk ? null : causeOf(finders.stdout.cause(), finders.stderr.cause());
      return { end, ok: isOk, stdout, stderr: stderr.map(redact), last: last.map(redact), cause };
    },
  };
}

function keep(lines: string[], line: string, max: number): void {
  lines.push(line);
  if (lines.length > max) lines.shift();
}

/** Programs report errors on stderr; some builds print theirs on stdout. The last line of stdout is never a reason. */
function causeOf(stdout: Cause | null, stderr: Cause | null): Cause | null {
  if (stderr?.isKnown === true) return stderr;
  return stdout?.isKnown === true ? stdout : stderr;
}

/** The exit code to report: the program's, or as in a shell 128 + n for a signal, 124 for a time-out and 127 for a missing program. */
export function exitCodeOf(end: ChildEnd): number {
  switch (end.kind) {
    case 'exited':
      return end.code;
    case 'signalled':
      return 128 + constants.signals[end.signal];
    case 'timed-out':
      return 124;
    case 'not-started':
      return 127;
  }
}

/** Why a run failed, in a few words. */
export function failureOf(program: string, run: RunEnd): string {
  const reason = run.cause === null ? '' : `: ${run.cause.text}`;
  switch (run.end.kind) {
    case 'exited':
      return `${program} failed with exit code ${run.end.code}${reason}`;
    case 'signalled':
      return `${program} was ended by ${run.end.signal}`;
    case 'timed-out':
      return `${program} did not end within ${Math.round(run.end.afterMs / 1000)} s`;
    case 'not-started':
      return run.end.problem;
  }
}
