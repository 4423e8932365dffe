/** Reboots this host: by nixfleet-root, which refuses it during an activation, or by `reboot` where the agent has no such program. */
import type { RootHelper } from './nixos/root-helper';
import { failureOf, type Shell } from './shell';

const REBOOT_TIMEOUT_MS = 60_000;

/** Gives why it was not possible; null when the host goes down. */
export async function rebootHost(shell: Shell, helper: RootHelper | null): Promise<string | null> {
  if (helper !== null) return helper.reboot(shell);
  const run = await shell.run('sudo', ['-n', 'reboot'], { timeoutMs: REBOOT_TIMEOUT_MS });
  return run.ok ? null : failureOf('sudo reboot', run);
}
