/** Files of the clone that the agent's user can't write: what to do, in one command. */
import { lstatSync, readdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { shellWord } from '@/lib/text/shell-word';

/** Entries of a folder that are looked at. */
const MAX_ENTRIES = 20_000;

/** A clause that names a file of another user, if there is one, and the command that repairs it. */
export function permissionProblem(dir: string): string {
  const uid = process.getuid?.() ?? 0;
  const found = foreignEntry(dir, uid);
  if (found === null)
    return `the agent's user may not write in ${dir}: check the permissions of its files, and whether its disk is mounted read-only`;
  const owner = found.uid === 0 ? 'root' : `the user ${found.uid}`;
  return `${found.path} belongs to ${owner}, so git can't use it: run as root \`chown -R ${userName(uid)} ${shellWord(dir)}\`, or move ${dir} away`;
}

function foreignEntry(dir: string, uid: number): { path: string; uid: number } | null {
  const waiting = [dir];
  for (let seen = 0; seen < MAX_ENTRIES && waiting.length > 0; seen++) {
    const path = waiting.shift() ?? dir;
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if (stat.uid !== uid) return { path, uid: stat.uid };
    if (!stat.isDirectory()) continue;
    try {
      waiting.push(...readdirSync(path).map((name) => join(path, name)));
    } catch {
      // A folder of this user that it made unreadable: there is no other owner to name.
    }
  }
  return null;
}

function userName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the system's list.
    return String(uid);
  }
}
