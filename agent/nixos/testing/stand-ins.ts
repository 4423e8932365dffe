/** What a host of tests runs instead of systemd and the journal, and the settings of its agent. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { TestNixos } from '../../root-helper/testing/test-nixos';
import type { TestHost } from '../../testing/host';

/** Settings of the agent of such a host. */
export const nixosVariables = (nixos: TestNixos): Record<string, string> => ({
  NIXFLEET_ROOT_HELPER: nixos.helper,
  NIXFLEET_SYSTEM_LINK: nixos.path('current-system'),
  NIXFLEET_SYSTEM_PROFILE: nixos.profile,
});

/** Puts them first on the agent's PATH, with the real Nix of the host. Gives the file that lists the units that failed. */
export function installStandIns(nixos: TestNixos, host: TestHost): string {
  const failedUnits = nixos.path('failed-units');
  const nix = execFileSync('which', ['nix'], { encoding: 'utf8' }).trim();
  host.program(
    'nix',
    `${Object.entries(nixos.nixVariables)
      .map(([name, value]) => `export ${name}=${value}`)
      .join('\n')}\necho $$ >${nixos.path('nix-process')}\nexec ${nix} "$@"`,
  );
  // The agent asks which units failed; everything else is for the stand-in of systemd.
  host.program(
    'systemctl',
    `case "$*" in
  "show --type=service "*) ;;
  "show --state=failed "*) while read -r unit _; do printf 'Id=%s\nActiveState=failed\nSubState=failed\nNRestarts=0\n\n' "$unit"; done <${failedUnits};;
  *--state=failed*) cat ${failedUnits};;
  *) exec ${nixos.path('tools', 'systemctl')} "$@";;
esac`,
  );
  host.program('journalctl', 'echo "the last words of $2"');
  writeFileSync(failedUnits, '');
  return failedUnits;
}
