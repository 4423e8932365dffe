/** What of a stopped command may continue: processes that survived the signals, and an activation in a separate unit. */
import { readdirSync, readFileSync } from 'node:fs';
import type { HostType } from './config';
import type { Shell } from './shell';

const TOOL_TIMEOUT_MS = 10_000;
/** How often the processes of a stopped command are looked for, and for how long: a busy machine ends them late. */
const POLL_MS = 100;
const WAIT_MS = 10_000;
/** nixos-rebuild-ng activates in such a unit, which continues when nixos-rebuild is ended. */
const ACTIVATION_UNITS = 'nixos-rebuild-switch-to-configuration*';

/**
 * Ends what is left of a stopped command's process group, and describes what may continue all the same, as in "terminated,
 * but …". Null when nothing is left.
 */
export async function whatGoesOn(
  group: number,
  hostType: HostType,
  shell: Shell,
  waitMs = WAIT_MS,
): Promise<string | null> {
  for (let polls = 0; isGroupRunning(group); polls++) {
    if (polls * POLL_MS >= waitMs) return `processes that it started are still running (process group ${group})`;
    // Those of root survive the signals of the agent's user.
    if (polls === 1) await killAsRoot(shell, group, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const unit = hostType === 'nixos' ? await activationUnit(shell) : null;
  return unit === null ? null : `the activation continues in the unit ${unit}`;
}

/** Sends a signal to a process group of root. False when the agent's user may not do that. */
export async function killAsRoot(shell: Shell, group: number, signal: 'SIGTERM' | 'SIGKILL'): Promise<boolean> {
  const args = ['-n', 'kill', '-s', signal.slice(3), '--', `-${group}`];
  const run = await shell.run('sudo', args, { quiet: true, timeoutMs: TOOL_TIMEOUT_MS });
  return run.ok;
}

/** The unit in which an activation runs now; null when there is none, or where systemd does not run. */
async function activationUnit(shell: Shell): Promise<string | null> {
  const list = ['list-units', '--plain', '--no-legend', '--state=active,activating', ACTIVATION_UNITS];
  const run = await shell.run('systemctl', list, { quiet: true, timeoutMs: TOOL_TIMEOUT_MS });
  const unit = run.ok ? (run.stdout[0] ?? '').trim().split(' ')[0] : '';
  return unit === undefined || unit === '' ? null : unit;
}

/**
 * Whether a process of the group runs. Processes that ended and were not collected count only where their state can't
 * be read (macOS, where launchd collects them at once).
 */
export function isGroupRunning(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  let numbers: string[];
  try {
    numbers = readdirSync('/proc').filter((name) => /^\d{1,10}$/.test(name));
  } catch {
    return true;
  }
  return numbers.some((number) => isRunningIn(number, group));
}

function isRunningIn(number: string, group: number): boolean {
  try {
    // proc_pid_stat(5): the name in brackets may contain spaces; behind it are state, parent and process group.
    const stat = readFileSync(`/proc/${number}/stat`, 'utf8');
    const [state = '', , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(processGroup) === group && !'ZX'.includes(state);
  } catch {
    // It ended in the meantime.
    return false;
  }
}
