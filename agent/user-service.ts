/** The agent as a service of a user's systemd, as Home Manager's module sets it up on Linux. */
import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, join } from 'node:path';

const SERVICE = 'nixfleet-agent.service';
/** loginctl(1), `enable-linger`: systemd-logind has a file here for each user that lingers. */
const LINGERING_USERS = '/var/lib/systemd/linger';

/** Whether this process is the agent's service of a user. `membership`: the file that says which cgroup it is in. */
export function isUserService(membership = '/proc/self/cgroup'): boolean {
  try {
    const path = /^0::(\/.*)$/m.exec(readFileSync(membership, 'utf8'))?.[1] ?? '';
    return /\/user@\d+\.service\//.test(path) && basename(path) === SERVICE;
  } catch {
    // Not Linux.
    return false;
  }
}

/** Why a user service of this user ends at log-out, and what to do; null where it goes on. */
export function lingeringProblem(user = userInfo().username, folder = LINGERING_USERS): string | null {
  if (existsSync(join(folder, user))) return null;
  return `this agent ends when ${user} logs out, and a switch with it: run "loginctl enable-linger ${user}", or set users.users.${user}.linger = true on NixOS`;
}
