/** Runs `nixfleet backup` in a process of its own: reading, hashing and encrypting a whole database blocks nobody. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MAX_BACKUP_MS } from './backup-folder';
import { BackupProblem } from './backup-problem';
import { roundResultSchema, type RoundResult } from './run-backup';

const MAX_OUTPUT = 16_384;

export interface RunningBackup {
  /** Rejects with the sentence that the program said last. */
  result: Promise<RoundResult>;
  /** Ends it; what it left unfinished is removed by a later one. */
  stop(): void;
}

/** The program beside this bundle, or its source where the dashboard runs from there. */
function findProgram(from: string = import.meta.url): string[] {
  const start = dirname(fileURLToPath(from));
  const bundle = join(start, 'cli.mjs');
  if (existsSync(bundle)) return [bundle];
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
    const source = join(folder, 'cli', 'main.ts');
    if (existsSync(source)) return ['--import', 'tsx', source];
  }
  throw new BackupProblem(`The program of backups is not there: neither ${bundle} nor cli/main.ts above it.`);
}

/** Starts a backup as the environment configures it. `program` is for tests. */
export function startBackup(env: NodeJS.ProcessEnv, program: readonly string[] = findProgram()): RunningBackup {
  const child = spawn(process.execPath, [...program, 'backup', '--json'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) giveWay(child.pid);
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out = `${said.out}${text}`.slice(-MAX_OUTPUT)));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err = `${said.err}${text}`.slice(-MAX_OUTPUT)));
  const timeout = setTimeout(() => child.kill('SIGKILL'), MAX_BACKUP_MS);
  timeout.unref();
  const result = new Promise<RoundResult>((resolve, reject) => {
    child.on('error', (error) =>
      reject(new BackupProblem(`The backup could not be started: ${error.message}.`, error)),
    );
    child.on('close', (code, signal) => {
      clearTimeout(timeout);
      const parsed = code === 0 ? roundResultSchema.safeParse(parse(said.out)) : null;
      if (parsed?.success === true) resolve(parsed.data);
      else reject(new BackupProblem(sentence(said.err, code, signal)));
    });
  });
  return { result, stop: () => void child.kill('SIGTERM') };
}

/** Serving comes first. */
function giveWay(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It has ended already, or may not be told: then it runs as it is.
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function sentence(err: string, code: number | null, signal: string | null): string {
  const said = err.trim().replace(/^nixfleet backup: /, '');
  return said === '' ? `The backup ended without a word (${signal ?? `code ${code ?? '?'}`}).` : said;
}
