/** A host for tests: folders, a real git repository with a remote, fake Nix programs, and the real agent as a process. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { TEST_TOKEN } from './dashboard';

/** A net for what never comes. */
const FILE_TIMEOUT_MS = 90_000;

export type TestHost = ReturnType<typeof createHost>;

/** Everything is under one temporary folder; `remove` takes it away. */
export function createHost(name = 'h1') {
  const root = mkdtempSync(join(tmpdir(), 'nixfleet-agent-'));
  const bin = join(root, 'bin');
  const work = join(root, 'work');
  const remote = join(root, 'remote.git');
  const stateDir = join(root, 'state');
  const agents: AgentProcess[] = [];
  mkdirSync(bin);

  const host = {
    root,
    bin,
    name,
    remote,
    work,
    stateDir,
    repoDir: join(stateDir, 'repo'),
    path: (...parts: string[]) => join(root, ...parts),
    git: (args: string[], cwd = work): string => git(args, cwd),
    /** Writes files into the operator's checkout, commits and pushes; gives the commit. */
    commit(files: Record<string, string>, message = 'change'): string {
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(work, path)), { recursive: true });
        writeFileSync(join(work, path), content);
        if (path.endsWith('.sh')) chmodSync(join(work, path), 0o755);
      }
      return shell(
        'git add -A; git commit -q -m "$1"; git push -q origin HEAD:main; git rev-parse HEAD',
        work,
        message,
      );
    },
    /** Puts a shell script first on the agent's PATH. */
    program(programName: string, script: string): void {
      writeFileSync(join(bin, programName), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    },
    env(url: string, more: Record<string, string> = {}): NodeJS.ProcessEnv {
      return {
        NODE_ENV: 'production',
        PATH: `${bin}:${process.env['PATH'] ?? ''}`,
        HOME: root,
        NIXFLEET_URL: url,
        NIXFLEET_TOKEN: TEST_TOKEN,
        NIXFLEET_REPO_URL: remote,
        NIXFLEET_STATE_DIR: stateDir,
        NIXFLEET_HOSTNAME: name,
        NIXFLEET_HOST_TYPE: 'nixos',
        NIXFLEET_INTERVAL: '1',
        NIXFLEET_LOG_LEVEL: 'debug',
        NIXFLEET_SYSTEM_LINK: join(root, 'current-system'),
        NIXFLEET_SYSTEM_PROFILE: join(root, 'system-profile'),
        // Never the one of the machine that runs the tests.
        NIXFLEET_ROOT_HELPER: 'none',
        GIT_CONFIG_NOSYSTEM: '1',
        ...more,
      };
    },
    /** `uid`: the user that the agent runs as; by default the present one. */
    start(
      bundle: string,
      url: string,
      more: Record<string, string> = {},
      args: string[] = [],
      uid?: number,
    ): AgentProcess {
      const agent = startAgentProcess(bundle, host.env(url, more), args, uid);
      agents.push(agent);
      return agent;
    },
    /** Ends every agent of this host and removes its folder. */
    async remove(): Promise<void> {
      for (const agent of agents)
        if (agent.child.exitCode === null && agent.child.signalCode === null) agent.child.kill('SIGKILL');
      await Promise.all(agents.map((agent) => agent.exit));
      rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  shell(
    'git init -q --bare -b main "$1"; git init -q -b main "$2"; cd "$2"; git remote add origin "$1"',
    root,
    remote,
    work,
  );
  host.program('sudo', '[ "$1" = -n ] && shift\nexec "$@"');
  host.commit({ 'flake.nix': '{ }\n', 'flake.lock': '{"version":7}\n' }, 'first');
  return host;
}

/** Nothing that git would start by itself, such as maintenance, and no sample hooks: they cost more than the commands. */
const GIT_ENVIRONMENT = {
  ...process.env,
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: 'test@example.com',
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: 'test@example.com',
  GIT_TEMPLATE_DIR: '',
  GIT_CONFIG_COUNT: '2',
  GIT_CONFIG_KEY_0: 'maintenance.auto',
  GIT_CONFIG_VALUE_0: 'false',
  GIT_CONFIG_KEY_1: 'receive.autogc',
  GIT_CONFIG_VALUE_1: 'false',
};

function run(program: string, args: readonly string[], cwd: string): string {
  return execFileSync(program, args, {
    cwd,
    env: GIT_ENVIRONMENT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

const git = (args: string[], cwd: string): string => run('git', args, cwd);

/** Several commands in one process. `args` are "$1" and so on; gives what they print. */
const shell = (commands: string, cwd: string, ...args: string[]): string =>
  run('sh', ['-ec', commands, 'sh', ...args], cwd);

export interface AgentProcess {
  child: ChildProcess;
  exit: Promise<{ code: number | null; signal: string | null }>;
  stdout: () => string;
  log: () => string;
}

function startAgentProcess(bundle: string, env: NodeJS.ProcessEnv, args: string[], uid?: number): AgentProcess {
  const child = spawn(process.execPath, [bundle, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let stdout = '';
  let log = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const exit = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  return { child, exit, stdout: () => stdout, log: () => log };
}

/** How often a fake program ran that adds a line to the file with each of its runs. */
export function runsIn(path: string): number {
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').length : 0;
}

/** Resolves when the file is there. */
export function fileAppears(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher = watch(dirname(path), check);
    const timer = setTimeout(() => {
      watcher.close();
      reject(new Error(`${path} did not appear`));
    }, FILE_TIMEOUT_MS);
    function check(): void {
      if (!existsSync(path)) return;
      clearTimeout(timer);
      watcher.close();
      resolve();
    }
    check();
  });
}

/** Whether a process runs; one that has ended and was not collected yet counts as gone. */
export function isProcessRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(execFileSync('cat', [`/proc/${pid}/status`], { encoding: 'utf8', stdio: 'pipe' }));
  } catch {
    return false;
  }
}

/** Resolves when the process is gone: a signal that was sent takes effect a moment later. */
export function processEnds(pid: number): Promise<void> {
  const until = Date.now() + FILE_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const timer = setInterval(() => {
      const running = isProcessRunning(pid);
      if (running && Date.now() < until) return;
      clearInterval(timer);
      if (running) reject(new Error(`process ${pid} still runs`));
      else resolve();
    }, 20);
  });
}
