/** Runs git without prompts, with bounded time and output, and with its children ended when it is stopped. */
import { spawn, type ChildProcess } from 'node:child_process';

/** How git ended: with an exit code, or for another reason. */
export type GitEnd =
  | { kind: 'exit'; code: number; stdout: Buffer; stderr: string }
  | { kind: 'timeout' | 'stopped' | 'too-large' | 'no-git' };

export interface GitRun {
  environment: NodeJS.ProcessEnv;
  timeoutMs: number;
  signal: AbortSignal;
  /** The folder that it runs in; by default that of this process. */
  cwd?: string;
  /** Largest accepted standard output, in bytes. */
  maxOutputBytes?: number;
  /** How much of the beginning, and how much of the end of standard error is kept. */
  maxStderrCharacters?: number;
}

const MAX_OUTPUT_BYTES = 1024 * 1024;
/** The first error is at the beginning, what git did in the end behind it. */
const MAX_STDERR_PART = 8_192;

// These would direct git to another repository, or make it print headers with credentials.
const DROPPED =
  /^(GIT_DIR|GIT_WORK_TREE|GIT_INDEX_FILE|GIT_OBJECT_DIRECTORY|GIT_ALTERNATE_OBJECT_DIRECTORIES|GIT_NAMESPACE|GIT_COMMON_DIR|GIT_TRACE.*|GIT_CURL_VERBOSE|GIT_CONFIG_PARAMETERS|NIXFLEET_.*)$/;

/**
 * The environment for git. Settings, including credentials, are passed by GIT_CONFIG_* (git-config(1)), because every
 * user of the machine can read arguments.
 */
export function gitEnvironment(
  base: NodeJS.ProcessEnv,
  settings: readonly (readonly [key: string, value: string])[],
): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...base };
  for (const name of Object.keys(environment)) {
    if (DROPPED.test(name)) Reflect.deleteProperty(environment, name);
  }
  environment.GIT_TERMINAL_PROMPT = '0';
  environment.GIT_ASKPASS = '';
  environment.SSH_ASKPASS = '';
  environment.SSH_ASKPASS_REQUIRE = 'never';
  environment.GIT_OPTIONAL_LOCKS = '0';
  // "ext::" would run any program named in the address.
  environment.GIT_ALLOW_PROTOCOL = 'file:git:http:https:ssh';
  environment.LC_ALL = 'C';
  environment.GIT_SSH_COMMAND ??= 'ssh -oBatchMode=yes -oConnectTimeout=15 -oServerAliveInterval=15';
  const inherited = /^\d{1,4}$/.test(environment.GIT_CONFIG_COUNT ?? '') ? Number(environment.GIT_CONFIG_COUNT) : 0;
  environment.GIT_CONFIG_COUNT = String(inherited + settings.length);
  settings.forEach(([key, value], index) => {
    environment[`GIT_CONFIG_KEY_${inherited + index}`] = key;
    environment[`GIT_CONFIG_VALUE_${inherited + index}`] = value;
  });
  return environment;
}

/** Runs git to its end. Its children (ssh, remote-https) share its process group and end with it. Never rejects. */
export function runGit(args: readonly string[], run: GitRun): Promise<GitEnd> {
  return runBoundedProgram('git', args, run);
}

/** `runGit` for another program; `no-git` then means that this program was not found. */
export function runBoundedProgram(program: string, args: readonly string[], run: GitRun): Promise<GitEnd> {
  return new Promise((resolve) => {
    if (run.signal.aborted) {
      resolve({ kind: 'stopped' });
      return;
    }
    // The pipes are missing when the process has no file descriptors left.
    const child: ChildProcess = spawn(program, args, {
      env: run.environment,
      cwd: run.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const limit = run.maxOutputBytes ?? MAX_OUTPUT_BYTES;
    const keep = run.maxStderrCharacters ?? MAX_STDERR_PART;
    const stdout: Buffer[] = [];
    let size = 0;
    let errorStart = '';
    let errorEnd = '';
    let isErrorCut = false;
    let cut: 'timeout' | 'stopped' | 'too-large' | 'no-git' | null = null;

    const end = (reason: 'timeout' | 'stopped' | 'too-large') => {
      cut ??= reason;
      killGroup(child.pid);
    };
    const onAbort = () => end('stopped');
    const timer = setTimeout(() => end('timeout'), run.timeoutMs);
    run.signal.addEventListener('abort', onAbort, { once: true });
    const settle = (how: GitEnd) => {
      clearTimeout(timer);
      run.signal.removeEventListener('abort', onAbort);
      resolve(how);
    };

    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > limit) end('too-large');
      else stdout.push(chunk);
    });
    child.stderr?.setEncoding('utf8');
    child.stderr?.on('data', (chunk: string) => {
      const room = keep - errorStart.length;
      errorStart += chunk.slice(0, room);
      const rest = errorEnd + chunk.slice(room);
      isErrorCut ||= rest.length > keep;
      errorEnd = rest.slice(-keep);
    });
    child.on('error', (error) => {
      const code = 'code' in error ? String(error.code) : error.message;
      if (code === 'ENOENT') cut ??= 'no-git';
      // A process that never started has no other event.
      if (child.pid !== undefined) return;
      const problem = `fatal: ${program} could not be started (${code})`;
      settle(cut !== null ? { kind: cut } : { kind: 'exit', code: 128, stdout: Buffer.alloc(0), stderr: problem });
    });
    child.on('close', (code) => {
      if (cut !== null) settle({ kind: cut });
      else {
        const stderr = errorStart + (isErrorCut ? '\n' : '') + errorEnd;
        settle({ kind: 'exit', code: code ?? 128, stdout: Buffer.concat(stdout), stderr });
      }
    });
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in the meantime.
  }
}
