/** Processes of a test: what they print can be waited for, and none outlives its test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface RunningProcess {
  child: ChildProcess;
  lines: string[];
  /** The first line, printed before or later, that fits; fails when the process ends without it. */
  line(fits: RegExp): Promise<RegExpMatchArray>;
  /** Ends it (SIGTERM unless told) and waits for its end. Gives its exit code or signal. */
  end(signal?: NodeJS.Signals): Promise<number | string | null>;
  /** How it ended, once it has. */
  ended: Promise<number | string | null>;
}

export function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd?: string): RunningProcess {
  const child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let waiting: (() => void)[] = [];
  const wake = () => {
    const woken = waiting;
    waiting = [];
    for (const each of woken) each();
  };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      wake();
    });
  }
  let over = false;
  const ended = new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      over = true;
      wake();
      resolve(signal ?? code);
    });
  });
  return {
    child,
    lines,
    ended,
    async line(fits) {
      for (;;) {
        for (const line of lines) {
          const match = fits.exec(line);
          if (match) return match;
        }
        if (over) throw new Error(`${command} ended without printing ${String(fits)}:\n${lines.join('\n')}`);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    end(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

/** The environment of a test's process: nothing of this machine's own configuration. */
export function plainEnvironment(extra: Record<string, string>): NodeJS.ProcessEnv {
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  return { NODE_ENV: 'production', PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...extra };
}
