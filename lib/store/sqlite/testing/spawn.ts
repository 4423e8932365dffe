/** Starts `open-child.ts` and reads its output line by line. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';

export interface Child {
  process: ChildProcess;
  /** The next line; rejects when the process ends without one. */
  line(): Promise<string>;
  /** Sends SIGKILL and waits for the process to end. */
  kill(): Promise<void>;
}

/** `uid`: the user to run as; only root can set it. */
export function startChild(mode: 'hold' | 'commit', path: string, uid?: number): Child {
  const script = fileURLToPath(new URL('./open-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, mode, path], {
    cwd: fileURLToPath(new URL('../../../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exit = once(child, 'exit');
  return {
    process: child,
    async line() {
      const next = await lines.next();
      if (next.done === true) throw new Error('the child process ended');
      return next.value;
    },
    async kill() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exit;
    },
  };
}
