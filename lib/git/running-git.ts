/** Which running git processes may work in a folder. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { basename, resolve, sep } from 'node:path';
import { promisify } from 'node:util';

const PS_TIMEOUT_MS = 10_000;
/** `git`, `git-remote-https`, and a wrapped `.git-wrapped`. */
const GIT_PROGRAM = /^\.?git(?:[-.]|$)/;

/**
 * Ids of processes of a user that may hold a lock in the folder: git processes that work there, or whose folder can't be
 * read, and any process that has a lock file open there (libgit2). Only that user's processes can have created its files.
 * Null: processes can't be listed.
 */
export async function processesUsing(folder: string, uid: number): Promise<number[] | null> {
  const root = await realpath(folder).catch(() => resolve(folder));
  if (!existsSync('/proc/self/cwd')) return gitProcessesOf(uid);
  // With `hidepid`, processes of other users are not listed (proc(5)).
  if (uid !== process.getuid?.() && !existsSync('/proc/1/comm')) return null;
  return fromProc([root, resolve(folder)], uid);
}

/** Linux: proc(5). */
async function fromProc(roots: readonly string[], uid: number): Promise<number[]> {
  const isInside = (path: string): boolean => roots.some((root) => path === root || path.startsWith(root + sep));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(async (pid) => ((await isUsing(pid, isInside, uid)) ? [pid] : [])));
  return found.flat();
}

async function isUsing(pid: number, isInside: (path: string) => boolean, uid: number): Promise<boolean> {
  const path = `/proc/${pid}`;
  try {
    if ((await stat(path)).uid !== uid) return false;
    if (!GIT_PROGRAM.test((await readFile(`${path}/comm`, 'utf8')).trim())) return await hasLockOpen(path, isInside);
    return (await placesOf(path)).some(isInside);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    // ENOENT, ESRCH: it ended in the meantime. A git process that can't be inspected may work anywhere.
    return code !== 'ENOENT' && code !== 'ESRCH';
  }
}

/** The folder of a git process, and the paths in its arguments and in git's variables. */
async function placesOf(path: string): Promise<string[]> {
  const cwd = await readlink(`${path}/cwd`);
  const words = `${await readFile(`${path}/cmdline`, 'utf8')}\0${await readFile(`${path}/environ`, 'utf8')}`.split(
    '\0',
  );
  // `--git-dir=PATH`, `GIT_DIR=PATH`
  const values = words.map((word) => (/^(?:--|GIT_)[\w-]+=/.test(word) ? word.slice(word.indexOf('=') + 1) : word));
  return [cwd, ...values.filter((value) => value !== '').map((value) => resolve(cwd, value))];
}

async function hasLockOpen(path: string, isInside: (path: string) => boolean): Promise<boolean> {
  try {
    for (const name of await readdir(`${path}/fd`)) {
      const file = await readlink(`${path}/fd/${name}`).catch(() => '');
      if (file.endsWith('.lock') && isInside(file)) return true;
    }
  } catch {
    // Its files can't be read (ssh-agent and the like protect themselves).
  }
  return false;
}

/** Elsewhere (macOS) the folder of a process is not known: any git process of the user counts. */
export async function gitProcessesOf(uid: number): Promise<number[] | null> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,uid=,comm='], { timeout: PS_TIMEOUT_MS });
    return stdout.split('\n').flatMap((line) => {
      const [, pid, owner, program] = /^\s*(\d+)\s+(\d+)\s+(\S(?:.*\S)?)\s*$/.exec(line) ?? [];
      return Number(owner) === uid && GIT_PROGRAM.test(basename(program ?? '')) ? [Number(pid)] : [];
    });
  } catch {
    return null;
  }
}
