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
 * Ids of git processes of a user that work in the folder, or whose folder can't be read. Only that user's processes can
 * have created its files. Null: processes can't be listed.
 */
export async function gitProcessesIn(folder: string, uid: number): Promise<number[] | null> {
  const root = await realpath(folder).catch(() => resolve(folder));
  return existsSync('/proc/self/cwd') ? fromProc([root, resolve(folder)], uid) : fromPs(uid);
}

/** Linux: proc(5). */
async function fromProc(roots: readonly string[], uid: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(async (pid) => ((await worksIn(pid, roots, uid)) ? [pid] : [])));
  return found.flat();
}

async function worksIn(pid: number, roots: readonly string[], uid: number): Promise<boolean> {
  const path = `/proc/${pid}`;
  try {
    if ((await stat(path)).uid !== uid) return false;
    if (!GIT_PROGRAM.test((await readFile(`${path}/comm`, 'utf8')).trim())) return false;
    const cwd = await readlink(`${path}/cwd`);
    const words = `${await readFile(`${path}/cmdline`, 'utf8')}\0${await readFile(`${path}/environ`, 'utf8')}`.split(
      '\0',
    );
    const places = words.map((word) =>
      word.slice(word.startsWith('-') || /^GIT_\w+=/.test(word) ? word.indexOf('=') + 1 : 0),
    );
    return [cwd, ...places.filter((place) => place !== '').map((place) => resolve(cwd, place))].some((place) =>
      roots.some((root) => place === root || place.startsWith(root + sep)),
    );
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    // ENOENT, ESRCH: it ended in the meantime. A process that can't be inspected may work anywhere.
    return code !== 'ENOENT' && code !== 'ESRCH';
  }
}

/** Elsewhere (macOS) the folder of a process is not known: any git process of the user counts. */
async function fromPs(uid: number): Promise<number[] | null> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,uid=,comm='], { timeout: PS_TIMEOUT_MS });
    return stdout.split('\n').flatMap((line) => {
      const [, pid, owner, program] = /^\s*(\d+)\s+(\d+)\s+(.+?)\s*$/.exec(line) ?? [];
      return Number(owner) === uid && GIT_PROGRAM.test(basename(program ?? '')) ? [Number(pid)] : [];
    });
  } catch {
    return null;
  }
}
