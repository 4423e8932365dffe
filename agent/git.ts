/** Runs git on the agent's repository: visibly in a command, or quietly to inspect it. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { findCause } from '@/lib/causes/find-cause';
import { credentialSettings } from '@/lib/git/git-access';
import { gitEnvironment, runGit, type GitEnd } from '@/lib/git/git-run';
import { createMovableAddress, HEADERS_CHARACTERS, PRINT_HEADERS, type RefusedTarget } from '@/lib/git/redirects';
import { shellWord } from '@/lib/text/shell-word';
import { createRedact, splitRepositoryAddress, type Redact } from './redact';
import { failureOf, type RunEnd, type Shell } from './shell';

/** A fetch that hangs must not block the host forever. */
export const GIT_TIMEOUT_MS = 5 * 60_000;
const QUICK_GIT_TIMEOUT_MS = 20_000;
const MAX_LOOK_BYTES = 16 * 1024 * 1024;

export interface GitOptions {
  /** As configured, credentials included; '' in legacy mode. */
  url: string;
  dir: string;
  sshKey: string;
  stateDir: string;
  /** The environment of every child. */
  env: NodeJS.ProcessEnv;
  /** Ends the quiet commands with the agent. */
  signal: AbortSignal;
}

export interface GitResult {
  ok: boolean;
  /** Git ran to its end, with any exit code. */
  exited: boolean;
  stderr: string;
  /** Why it failed, in a few words. */
  failure: string;
}

export interface GitLook extends GitResult {
  bytes: Buffer;
  /** The lines of the output. */
  lines: string[];
}

/** Where the repository's server redirects to, when git may not go there with its credentials. */
export interface RefusedRedirect {
  refusedRedirect: RefusedTarget;
}

export type Git = ReturnType<typeof createGit>;

export function createGit(options: GitOptions) {
  const { dir } = options;
  const address = splitRepositoryAddress(options.url);
  const quiet = environmentOf(options);
  // A command of the operator takes the locks that a look does without.
  const visible = { ...quiet, GIT_OPTIONAL_LOCKS: options.env['GIT_OPTIONAL_LOCKS'] };
  const movable = createMovableAddress(address.url);
  // Before a cause is cut: half of a secret would not be recognised.
  const redact = createRedact(address.secrets);

  /** `git <args>` with its output in the command's. */
  async function run(shell: Shell, args: readonly string[], cwd = dir): Promise<GitResult> {
    const end = await shell.run('git', args, { cwd, env: visible, timeoutMs: GIT_TIMEOUT_MS });
    return resultOf(`git ${args[0] ?? ''}`, end);
  }

  async function look(
    args: readonly string[],
    more: { cwd?: string; env?: Readonly<Record<string, string>> } = {},
  ): Promise<GitLook> {
    const end = await runGit(args, {
      environment: { ...quiet, ...more.env },
      cwd: more.cwd ?? dir,
      timeoutMs: QUICK_GIT_TIMEOUT_MS,
      signal: options.signal,
      maxOutputBytes: MAX_LOOK_BYTES,
      maxStderrCharacters: HEADERS_CHARACTERS,
    });
    const bytes = end.kind === 'exit' ? end.stdout : Buffer.alloc(0);
    return {
      ok: end.kind === 'exit' && end.code === 0,
      exited: end.kind === 'exit',
      stderr: end.kind === 'exit' ? end.stderr : '',
      failure: failureOfLook(args[0] ?? '', end, redact),
      bytes,
      lines: bytes
        .toString('utf8')
        .split('\n')
        .filter((line) => line !== ''),
    };
  }

  return {
    /** The address without credentials. */
    url: address.url,
    look,
    run,
    /** `run` with the repository's server. `args` gets its address, which follows a move on the same server. */
    async runRemote(
      shell: Shell,
      args: (url: string) => readonly string[],
      cwd = dir,
    ): Promise<GitResult | RefusedRedirect> {
      const followed = await movable.run({
        attempt: (url) => run(shell, args(url), cwd),
        look: (url) => look(['ls-remote', '--', url, 'HEAD'], { cwd: '/', env: PRINT_HEADERS }),
      });
      return followed.kind === 'end' ? followed.end : { refusedRedirect: followed.to };
    },
    /** Whether the server answers from outside of the clone, with the same credentials and options, and has the branch. */
    async hasRemoteBranch(branch: string): Promise<boolean> {
      const ask = (more: { env?: Readonly<Record<string, string>> }) => (url: string) =>
        look(['ls-remote', '--', url, `refs/heads/${branch}`], { cwd: '/', ...more });
      const followed = await movable.run({ attempt: ask({}), look: ask({ env: PRINT_HEADERS }) });
      return followed.kind === 'end' && followed.end.ok && followed.end.lines.length > 0;
    },
  };
}

function resultOf(program: string, end: RunEnd): GitResult {
  return {
    ok: end.ok,
    exited: end.end.kind === 'exited',
    stderr: end.stderr.join('\n'),
    failure: failureOf(program, end),
  };
}

function failureOfLook(command: string, end: GitEnd, redact: Redact): string {
  switch (end.kind) {
    case 'exit': {
      const reason = findCause(redact(end.stderr))?.text ?? '';
      return `git ${command} failed with exit code ${end.code}${reason === '' ? '' : `: ${reason}`}`;
    }
    case 'timeout':
      return `git ${command} did not end within ${QUICK_GIT_TIMEOUT_MS / 1000} s`;
    case 'stopped':
      return `git ${command} was stopped because the agent is shutting down`;
    case 'too-large':
      return `git ${command} printed more than ${MAX_LOOK_BYTES / 1024 / 1024} MiB`;
    case 'no-git':
      return "git was not found: install it, or add its folder to the agent's PATH";
  }
}

/** Of both kinds of commands. */
function environmentOf(options: GitOptions): NodeJS.ProcessEnv {
  const { url, authorization } = splitRepositoryAddress(options.url);
  const environment: NodeJS.ProcessEnv = {
    ...gitEnvironment(options.env, authorization === null ? [] : credentialSettings(url, authorization)),
    // A folder that is not a repository must not count as part of an enclosing one, which would then be reset.
    GIT_CEILING_DIRECTORIES: ceiling(options.dir),
    GIT_SSH_COMMAND: sshCommand(options),
    // Git's rules hold: a list would let a submodule read folders of this machine (protocol.allow in git-config(1)).
    GIT_ALLOW_PROTOCOL: options.env['GIT_ALLOW_PROTOCOL'],
  };
  return environment;
}

/** git compares real paths, so links are resolved as far as the folder exists. */
function ceiling(dir: string): string {
  const parent = dirname(dir);
  try {
    return realpathSync(parent);
  } catch {
    return parent === dir ? dir : join(ceiling(parent), basename(parent));
  }
}

/** The first key of a server is stored, and a changed one is refused: who answers as the repository decides what the host runs. */
function sshCommand(options: GitOptions): string {
  const knownHosts = join(options.stateDir, 'known_hosts').replaceAll('%', '%%');
  const words = ['ssh', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=accept-new'];
  words.push('-o', `UserKnownHostsFile="${knownHosts}"`);
  if (options.sshKey !== '') words.push('-o', 'IdentitiesOnly=yes', '-i', options.sshKey.replaceAll('%', '%%'));
  return words.map(shellWord).join(' ');
}
