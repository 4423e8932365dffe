/** One agent per state folder: two would send each other's results, and the dashboard would see one host twice. */
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const PS_TIMEOUT_MS = 5_000;
const ownerSchema = z.object({ pid: z.number().int().positive(), started: z.string() });

export type LockResult = { ok: true; release: () => void } | { ok: false; pid: number };

/** Acquires the lock, or gives the process that holds it. Replaces a lock whose process has ended or whose number now belongs to another program. Throws when the folder can't be written. */
export function acquirePidLock(stateDir: string): LockResult {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const path = join(stateDir, 'agent.pid');
  const temporary = `${path}.${process.pid}`;
  const content = JSON.stringify({ pid: process.pid, started: startTimeOf(process.pid) });
  writeFileSync(temporary, content, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        // A link appears with its whole content or not at all, so nobody reads half a lock.
        linkSync(temporary, path);
        return { ok: true, release: () => release(path, content) };
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      }
      const found = readText(path);
      const owner = found === null ? null : parseOwner(found);
      if (owner !== null && isAlive(owner)) return { ok: false, pid: owner.pid };
      if (found !== null) removeStale(path, found);
    }
    throw new Error(`the lock ${path} keeps changing`);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Moves the lock aside before removing it. If it is a new one by then, it is moved back. */
function removeStale(path: string, content: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (readText(aside) === content) rmSync(aside, { force: true });
  else renameSync(aside, path);
}

function release(path: string, content: string): void {
  if (readText(path) === content) rmSync(path, { force: true });
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function parseOwner(text: string): z.infer<typeof ownerSchema> | null {
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function isAlive(owner: z.infer<typeof ownerSchema>): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  const started = startTimeOf(owner.pid);
  return started === '' || owner.started === '' || started === owner.started;
}

/** When a process started, as the system reports it: distinguishes it from a later process with the same number. '' if unknown. */
function startTimeOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses and may contain spaces; the start is the 22nd field (proc_pid_stat(5)).
  if (stat !== null) {
    const boot = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
    return `${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''} ${boot}`.trim();
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: PS_TIMEOUT_MS,
    }).trim();
  } catch {
    return '';
  }
}
