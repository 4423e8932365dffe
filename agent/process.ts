/** Runs one program in its own process group and reads its output to the end. */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { createLineReader, type LineReader } from './lines';
import type { OutputStream } from '@/lib/protocol/output-stream';

/** How long a program may take to end after SIGTERM before it gets SIGKILL. */
export const STOP_GRACE_MS = 10_000;
/** How long to wait for output after the program ended, if a process that it left behind holds the pipe open. */
export const PIPE_GRACE_MS = 5_000;
/** How often output files are read. */
const FILE_POLL_MS = 100;

export type ChildEnd =
  | { kind: 'exited'; code: number }
  | { kind: 'signalled'; signal: NodeJS.Signals }
  | { kind: 'not-started'; problem: string }
  | { kind: 'timed-out'; afterMs: number };

/** `forbidden`: the group belongs to another user (a child of sudo). */
export type SignalOutcome = 'sent' | 'gone' | 'forbidden';

export interface Child {
  /** Null when the program could not be started. Also the number of its process group. */
  readonly pid: number | null;
  /** Resolves after the last line; never rejects. */
  readonly end: Promise<ChildEnd>;
  /** Sends a signal to the whole group. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): SignalOutcome;
}

export interface ChildOptions {
  program: string;
  args: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  onLine: (line: string, stream: OutputStream) => void;
  /** After this time the program's group is ended; `null`: no limit. */
  timeoutMs: number | null;
  /**
   * Paths of two files for the output instead of pipes. A program that outlives the agent needs them: the first write
   * to a pipe without a reader would end it.
   */
  outputFiles?: { stdout: string; stderr: string } | undefined;
  stopGraceMs?: number;
  pipeGraceMs?: number;
}

/** Starts the program in its own session: signals to the agent don't reach it, and the reverse. */
export function startChild(options: ChildOptions): Child {
  const { onLine, stopGraceMs = STOP_GRACE_MS, pipeGraceMs = PIPE_GRACE_MS } = options;
  const files = options.outputFiles ? openFiles(options.outputFiles) : null;
  const stdio: StdioOptions = files ? ['ignore', files.stdout.write, files.stderr.write] : ['ignore', 'pipe', 'pipe'];
  let child: ChildProcess;
  try {
    child = spawn(options.program, [...options.args], { cwd: options.cwd, env: options.env, detached: true, stdio });
  } catch (error) {
    // Most failures are events; a few, such as too long arguments, are thrown.
    if (files) closeFiles(files);
    const end: ChildEnd = { kind: 'not-started', problem: explainStart(options, error) };
    return { pid: null, end: Promise.resolve(end), signal: () => 'gone' };
  }
  const pid = child.pid ?? null;
  let over = false;
  let timedOut = false;
  let signalled = false;
  const timers: NodeJS.Timeout[] = [];

  function signal(name: 'SIGTERM' | 'SIGKILL'): SignalOutcome {
    if (pid === null || over) return 'gone';
    signalled = true;
    try {
      process.kill(-pid, name);
      return 'sent';
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'EPERM' ? 'forbidden' : 'gone';
    }
  }

  if (options.timeoutMs !== null && pid !== null)
    timers.push(
      setTimeout(() => {
        timedOut = true;
        signal('SIGTERM');
        timers.push(setTimeout(() => signal('SIGKILL'), stopGraceMs));
      }, options.timeoutMs),
    );

  const end = new Promise<ChildEnd>((resolve) => {
    const readers = { stdout: reader('stdout'), stderr: reader('stderr') };
    const output = files ? followFiles(files, readers) : readPipes(child.stdout, child.stderr, readers);

    child.on('error', (error) => {
      // Once the program runs, an error here concerns a signal or a message, and 'exit' still follows.
      if (pid === null) void settle({ kind: 'not-started', problem: explainStart(options, error) });
    });
    child.on('exit', (code, name) => {
      const cause: ChildEnd = timedOut
        ? { kind: 'timed-out', afterMs: options.timeoutMs ?? 0 }
        : name === null
          ? { kind: 'exited', code: code ?? 1 }
          : { kind: 'signalled', signal: name };
      void settle(cause);
    });

    async function settle(cause: ChildEnd): Promise<void> {
      const complete = await output.finish(pid === null ? 0 : pipeGraceMs);
      if (!complete)
        onLine('[a process that this command left behind keeps its output open: not waiting any longer]', 'stderr');
      // What is left of a stopped group ignored SIGTERM, and nothing would end it later.
      if (signalled) signal('SIGKILL');
      over = true;
      for (const timer of timers) clearTimeout(timer);
      resolve(cause);
    }
  });

  function reader(stream: OutputStream): LineReader {
    return createLineReader((line) => onLine(line, stream));
  }

  return { pid, end, signal };
}

function explainStart(options: ChildOptions, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
  if (code === 'ENOENT' && !existsSync(options.cwd)) return `the folder ${options.cwd} does not exist`;
  if (code === 'ENOENT') return `${options.program} was not found: install it, or add its folder to the agent's PATH`;
  if (code === 'EACCES') return `the agent's user may not execute ${options.program}`;
  return `${options.program} could not be started (${code})`;
}

interface Output {
  /** Waits for the end of both streams, at most `graceMs`; then stops reading. False when the end was not reached. */
  finish(graceMs: number): Promise<boolean>;
}
type Readers = Record<OutputStream, LineReader>;

function readPipes(stdout: Readable | null, stderr: Readable | null, readers: Readers): Output {
  const ends = [follow(stdout, readers.stdout), follow(stderr, readers.stderr)];
  return {
    async finish(graceMs) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<false>((resolve) => {
        timer = setTimeout(() => resolve(false), graceMs);
      });
      const complete = await Promise.race([Promise.all(ends).then(() => true), late]);
      clearTimeout(timer);
      if (!complete) {
        for (const stream of [stdout, stderr]) stream?.destroy();
        await Promise.all(ends);
      }
      return complete;
    },
  };
}

/** Resolves when the stream was read to its end, or was given up; its last line is out by then. */
function follow(stream: Readable | null, reader: LineReader): Promise<void> {
  if (stream === null) return Promise.resolve();
  return new Promise((resolve) => {
    stream.on('data', (chunk: Buffer) => reader.push(chunk));
    stream.on('error', () => undefined);
    stream.once('close', () => {
      reader.end();
      resolve();
    });
  });
}

interface OutputFile {
  path: string;
  write: number;
  read: number;
  position: number;
}
type OutputFiles = Record<OutputStream, OutputFile>;

function openFiles(paths: { stdout: string; stderr: string }): OutputFiles {
  const open = (path: string): OutputFile => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(path, { force: true });
    return { path, write: openSync(path, 'ax', 0o600), read: openSync(path, 'r'), position: 0 };
  };
  return { stdout: open(paths.stdout), stderr: open(paths.stderr) };
}

function followFiles(files: OutputFiles, readers: Readers): Output {
  const chunk = Buffer.allocUnsafe(64 * 1024);
  const all = [
    { file: files.stdout, reader: readers.stdout },
    { file: files.stderr, reader: readers.stderr },
  ];
  function drain(): void {
    for (const { file, reader } of all) {
      // Up to the current end: a program that writes faster than this reads must not block everything else.
      const end = fstatSync(file.read).size;
      while (file.position < end) {
        const size = readSync(file.read, chunk, 0, Math.min(chunk.length, end - file.position), file.position);
        if (size === 0) break;
        file.position += size;
        reader.push(chunk.subarray(0, size));
      }
    }
  }
  const timer = setInterval(drain, FILE_POLL_MS);
  return {
    finish() {
      clearInterval(timer);
      drain();
      for (const { reader } of all) reader.end();
      closeFiles(files);
      return Promise.resolve(true);
    },
  };
}

function closeFiles(files: OutputFiles): void {
  for (const file of [files.stdout, files.stderr]) {
    closeSync(file.read);
    closeSync(file.write);
    rmSync(file.path, { force: true });
  }
}
