/** Runs `nixfleet backup` in a separate process, so that reading, hashing and encrypting blocks no requests. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plainText } from '@/lib/text/plain-text';
import { MAX_BACKUP_MS } from './backup-folder';
import { BackupProblem } from './backup-problem';
import { roundResultSchema, type RoundResult } from './run-backup';

const MAX_OUTPUT = 16_384;

export interface RunningBackup {
  /** Rejects with the error that the program printed. */
  result: Promise<RoundResult>;
  /** Ends it; a later backup removes its unfinished files. */
  stop(): void;
}

/** The program beside this bundle, or its source when the dashboard runs from source. */
function findProgram(from: string = import.meta.url): string[] {
  const start = dirname(fileURLToPath(from));
  const bundle = join(start, 'cli.mjs');
  if (existsSync(bundle)) return [bundle];
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
    const source = join(folder, 'cli', 'main.ts');
    if (existsSync(source)) return ['--import', 'tsx', source];
  }
  throw new BackupProblem(`The backup program is missing: found neither ${bundle} nor cli/main.ts above it.`);
}

/** Starts a backup that is configured by `env`. `program` is for tests. */
export function startBackup(env: NodeJS.ProcessEnv, program: readonly string[] = findProgram()): RunningBackup {
  const child = spawn(process.execPath, [...program, 'backup', '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) lowerPriority(child.pid);
  const output = { out: '', err: '' };
  child.stdout
    .setEncoding('utf8')
    .on('data', (text: string) => (output.out = `${output.out}${text}`.slice(-MAX_OUTPUT)));
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (output.err = `${output.err}${text}`.slice(-MAX_OUTPUT)));
  const timeout = setTimeout(() => child.kill('SIGKILL'), MAX_BACKUP_MS);
  timeout.unref();
  const result = new Promise<RoundResult>((resolve, reject) => {
    child.on('error', (error) =>
      reject(new BackupProblem(`The backup could not be started: ${error.message}.`, error)),
    );
    child.on('close', (code, signal) => {
      clearTimeout(timeout);
      const parsed = code === 0 ? roundResultSchema.safeParse(parse(output.out)) : null;
      if (parsed?.success === true) resolve(parsed.data);
      else reject(new BackupProblem(failureText(output.err, code, signal)));
    });
  });
  return { result, stop: () => void child.kill('SIGTERM') };
}

/** Serving requests comes first. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // The process has ended already, or its priority may not be changed: it runs as it is.
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function failureText(err: string, code: number | null, signal: string | null): string {
  const message = plainText(err.trim().replace(/^nixfleet backup: /, ''));
  return message === '' ? `The backup ended without an error message (${signal ?? `code ${code ?? '?'}`}).` : message;
}
