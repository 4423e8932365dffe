// @ts-check
/**
 * `npm run lockfile`: rebuilds the lockfile for every system. npm omits optional packages of other systems when they are
 * installed for this one only or when the registry does not have them; `npm ci` then fails on those systems. So it
 * starts from nothing and adds what is missing, with the version that the parent package requires.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {{ version?: string, optionalDependencies?: Record<string, string>, dev?: boolean, optional?: boolean,
 *   os?: string[], cpu?: string[], libc?: string[] }} LockedPackage
 * @typedef {{ packages: Record<string, LockedPackage> }} Lockfile
 */

const SYSTEM = /(android|darwin|freebsd|linux|win32|openharmony|openbsd|netbsd|sunos|aix)/;
const PROCESSOR = /-(arm64|arm|x64|ia32|loong64|mips64el|ppc64|riscv64|s390x|wasm32)(?:-|$)/;
const EXACT = /^\d+\.\d+\.\d+(?:[A-Za-z_.-][\w.-]*)?$/;

/**
 * Adds the optional packages that other packages name but the lockfile does not contain. System, processor and C library
 * come from the package name. Changes the lockfile in place and gives the added names.
 * @param {Lockfile} lockfile
 * @returns {string[]}
 */
export function completeLockfile(lockfile) {
  /** @type {string[]} */
  const added = [];
  for (const [path, parent] of Object.entries(lockfile.packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const top = `node_modules/${name}`;
      if (lockfile.packages[`${path}/${top}`] || lockfile.packages[top] || !EXACT.test(version)) continue;
      const kind = name.split('/').at(-1) ?? '';
      const os = SYSTEM.exec(kind)?.[1];
      const cpu = PROCESSOR.exec(kind)?.[1];
      const libc =
        os === 'linux' ? (kind.includes('musl') ? 'musl' : kind.includes('gnu') ? 'glibc' : undefined) : undefined;
      lockfile.packages[top] = {
        version,
        ...(cpu ? { cpu: [cpu] } : {}),
        ...(parent.dev ? { dev: true } : {}),
        ...(libc ? { libc: [libc] } : {}),
        optional: true,
        ...(os ? { os: [os] } : {}),
      };
      added.push(name);
    }
  }
  lockfile.packages = Object.fromEntries(
    Object.entries(lockfile.packages).sort(([a], [b]) => a.localeCompare(b, 'en')),
  );
  return added;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  const path = join(root, 'package-lock.json');
  for (const name of ['node_modules', 'package-lock.json']) rmSync(join(root, name), { recursive: true, force: true });
  execFileSync('npm', ['install'], { cwd: root, stdio: 'inherit' });
  /** @type {unknown} */
  const read = JSON.parse(readFileSync(path, 'utf8'));
  const lockfile = /** @type {Lockfile} */ (read);
  const added = completeLockfile(lockfile);
  writeFileSync(path, `${JSON.stringify(lockfile, null, 2)}\n`);
  console.log(`The lockfile is complete: added ${added.length} packages of other systems.`);
}
