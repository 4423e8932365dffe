/** Facts of the machine, and the environment of child processes. */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { homedir, hostname, platform, userInfo } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { MachineFacts } from './config';

const SCUTIL_TIMEOUT_MS = 5_000;

export function describeMachine(): MachineFacts {
  return {
    platform: platform(),
    home: homedir(),
    name: machineName(),
    readFile: (path) => readFileSync(path, 'utf8'),
    mayWrite,
    homeProfile,
    startedIn: process.cwd(),
  };
}

/** The name that does not change with the network: `LocalHostName` on macOS, else the host name without its domain. */
function machineName(): string {
  let name = '';
  if (platform() === 'darwin') {
    try {
      name = execFileSync('scutil', ['--get', 'LocalHostName'], {
        encoding: 'utf8',
        timeout: SCUTIL_TIMEOUT_MS,
      }).trim();
    } catch {
      // Not set on this Mac: the host name is used.
    }
  }
  return name || (hostname().split('.')[0] ?? '');
}

/** As Home Manager chooses it: below the state of the user where Nix keeps profiles there, else in the folder that all users share. */
function homeProfile(stateHome: string): string {
  const ofUser = join(stateHome, 'nix', 'profiles');
  const shared = join('/nix/var/nix/profiles/per-user', userInfo().username);
  return join(existsSync(ofUser) || !existsSync(shared) ? ofUser : shared, 'home-manager');
}

function mayWrite(folder: string): boolean {
  const nearest = existsSync(folder) ? folder : dirname(folder);
  try {
    accessSync(nearest, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Variables that a child must not inherit: secrets, and variables that would point git at another repository. */
const NOT_INHERITED = new Set([
  'NIXFLEET_TOKEN',
  'NIXFLEET_TOKEN_FILE',
  'NIXFLEET_ENROLMENT_CODE',
  'NIXFLEET_REPO_URL',
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_COMMON_DIR',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
]);

/** The environment of every child: without secrets, and with the folders of Nix's programs at the end of PATH. */
export function childEnvironment(env: NodeJS.ProcessEnv, home: string): NodeJS.ProcessEnv {
  const result: NodeJS.ProcessEnv = { ...env, PATH: completePath(env['PATH'] ?? '', home) };
  for (const name of NOT_INHERITED) Reflect.deleteProperty(result, name);
  return result;
}

const WRAPPERS = '/run/wrappers/bin';
const SYSTEM = '/run/current-system/sw/bin';

/** launchd and systemd start services with a short PATH. The set-uid `sudo` in the wrappers must come before the one in the system's packages. */
export function completePath(path: string, home: string): string {
  const parts = path.split(delimiter).filter((part) => part !== '');
  if (!parts.includes(WRAPPERS)) {
    const system = parts.indexOf(SYSTEM);
    parts.splice(system === -1 ? parts.length : system, 0, WRAPPERS);
  }
  for (const folder of [
    join(home, '.nix-profile', 'bin'),
    join('/etc/profiles/per-user', home.split('/').pop() ?? '', 'bin'),
    '/nix/var/nix/profiles/default/bin',
    SYSTEM,
    '/usr/bin',
    '/bin',
    '/usr/sbin',
    '/sbin',
  ])
    if (!parts.includes(folder)) parts.push(folder);
  return parts.join(delimiter);
}

/** The path that a shell would find for a program, or null. */
export function findOnPath(program: string, path: string): string | null {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue;
    const candidate = join(folder, program);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}
