/** A server in a separate process: starts it, reads its usage and ends it reliably. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 12_000;
const MAX_KEPT_LINES = 30;

/** What a process has used until now. */
export interface Usage {
  /** Seconds of processor time. */
  cpuS: number;
  /** Bytes in memory. */
  rss: number;
}

export class Server {
  private readonly lastLines: string[] = [];

  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  /** Starts a Node program that prints its address (`http://…:1234`) once it listens. */
  static async start(args: readonly string[], env: Record<string, string>): Promise<Server> {
    const child = spawn(process.execPath, args, {
      // The caller's dashboard settings must not reach the measured one.
      env: { ...withoutSettings(process.env), NODE_ENV: 'production', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lastLines: string[] = [];
    const keepLine = (line: string) => {
      lastLines.push(line);
      if (lastLines.length > MAX_KEPT_LINES) lastLines.shift();
    };
    createInterface({ input: child.stderr }).on('line', keepLine);
    const lines = createInterface({ input: child.stdout });
    const port = await new Promise<number>((resolve, reject) => {
      const fail = (why: string) => {
        clearTimeout(timer);
        child.kill('SIGKILL');
        reject(new Error(`${args.join(' ')}: ${why}\n${lastLines.join('\n')}`));
      };
      const timer = setTimeout(() => fail('printed no address in time'), START_TIMEOUT_MS);
      child.once('error', (error) => fail(error.message));
      child.once('exit', (code) => fail(`ended with ${code}`));
      lines.on('line', (line) => {
        keepLine(line);
        const found = /http:\/\/[^\s/:]+:(\d+)/.exec(line)?.[1];
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(Number(found));
      });
    });
    const server = new Server(child, port);
    server.lastLines.push(...lastLines);
    return server;
  }

  get http(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get ws(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** Null on systems without /proc (only Linux has it). */
  usage(): Usage | null {
    try {
      const stat = readFileSync(`/proc/${this.child.pid}/stat`, 'utf8');
      // The name in parentheses may hold spaces; user and system time are fields 14 and 15 (proc_pid_stat(5)).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const ticks = Number(fields[11]) + Number(fields[12]);
      const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))?.[1]);
      return { cpuS: ticks / ticksPerSecond(), rss: kib * 1024 };
    } catch {
      return null;
    }
  }

  /** Ends it with SIGKILL, as a power failure would. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }

  /** Ends it with SIGTERM, and with SIGKILL after a time-out. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const force = setTimeout(() => this.child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(force);
  }
}

function withoutSettings(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('NIXFLEET_')));
}

let ticks: number | null = null;
function ticksPerSecond(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  return ticks;
}
