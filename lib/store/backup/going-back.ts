/** How an operator goes back to an earlier version: the command that restores a backup, and the steps around it. */
import { shellWord } from '@/lib/text/shell-word';

/** How this dashboard is installed, which decides how the operator runs the `nixfleet` program. */
export type Installation = 'container' | 'nix' | 'plain';

export interface UpdateSteps {
  /** Path of the backup, as the dashboard sees it. */
  path: string;
  /** When the backup was made, epoch milliseconds. */
  createdAt: number;
  encrypted: boolean;
  /** The version that last used the database, which the backup goes back to. */
  from: string;
  /** The version that made the backup. */
  to: string;
}

/** The command that restores a backup, as the operator types it. */
export function restoreCommand(installation: Installation, path: string): string {
  const file = shellWord(path);
  switch (installation) {
    case 'container':
      return `docker compose run --rm --no-deps nixfleet nixfleet restore ${file}`;
    case 'nix':
      return `sudo nixfleet restore ${file}`;
    case 'plain':
      return `npm run nixfleet -- restore ${file}`;
  }
}

/** The text beside a backup, with the steps for each kind of installation. */
export function stepsText({ path, createdAt, encrypted, from, to }: UpdateSteps): string {
  const needsKey = encrypted ? ' It needs the NIXFLEET_BACKUP_KEY it was encrypted with.' : '';
  const lines = [
    `Going back to NixFleet ${from}`,
    '',
    `NixFleet ${to} made this backup on ${new Date(createdAt).toISOString()}, before it migrated the database.${needsKey}`,
    'It holds nothing that was stored later. A restore keeps the present database beside it ("before-restore").',
    '',
    'Container, beside the compose file:',
    `  docker compose stop, then build ${from} or set NIXFLEET_IMAGE to its image, then:`,
    `  ${restoreCommand('container', path)}`,
    '  docker compose up -d',
    `NixOS: set services.nixfleet.package to NixFleet ${from} and switch (it refuses the newer database), then:`,
    '  sudo systemctl stop nixfleet',
    `  ${restoreCommand('nix', path)}`,
    '  sudo systemctl start nixfleet',
    `From source: stop the dashboard and check out ${from}, then, with the dashboard's environment:`,
    `  ${restoreCommand('plain', path)}, then: npm start`,
  ];
  return `${lines.join('\n')}\n`;
}
