/** A copy of the working tree in which files can be changed. The packages are linked, not copied. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const MAX_LIST_BYTES = 64 * 1024 * 1024;

export interface CopiedTree {
  readonly folder: string;
  remove: () => void;
}

/** Copies the files that git knows or would add. `root` must be a checkout with installed packages. */
export function copyTree(root: string): CopiedTree {
  const folder = mkdtempSync(join(tmpdir(), 'nixfleet-mutants-'));
  // Tests start programs as another user.
  chmodSync(folder, statSync(root).mode);
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', list, { cwd: root, encoding: 'utf8', maxBuffer: MAX_LIST_BYTES });
  for (const file of files.split('\0')) {
    // A deleted file is listed until the deletion is staged.
    if (file === '' || !existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file), { verbatimSymlinks: true });
  }
  const packages = join(folder, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(join(root, 'node_modules'))) {
    // Tools keep caches here; one that is shared would be written by several processes.
    if (name.startsWith('.') && name !== '.bin') continue;
    symlinkSync(join(root, 'node_modules', name), join(packages, name));
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
