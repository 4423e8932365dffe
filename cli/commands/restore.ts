import { resolve } from 'node:path';
import { listBackups } from '@/lib/store/backup/backup-folder';
import { restoreBackup } from '@/lib/store/backup/restore-backup';
import { readArguments } from '../arguments';
import { EXIT, Problem, type Command } from '../command';
import { commandLog, requireConfig } from '../configuration';
import { timeText } from '../wording';

export const restore: Command = {
  name: 'restore',
  summary: 'Put a backup in the place of the database',
  help: `Usage: nixfleet restore FILE
       nixfleet restore --newest

Checks the backup first, then puts it in the place of the database, with its secrets: all or
nothing. The database and the secrets that were there stay beside it, under a name with
"before-restore". Stop the dashboard first: beside a running one it refuses.

An encrypted backup needs the NIXFLEET_BACKUP_KEY that it was made with.

  --newest   take the newest good backup in NIXFLEET_BACKUP_DIR`,
  async run({ args, env, terminal }) {
    const { values, positionals } = readArguments(args, { newest: { type: 'boolean' } }, 1);
    const config = requireConfig(env);
    const [named] = positionals;
    if ((named === undefined) === (values.newest !== true)) {
      throw new Problem('usage', 'Name the backup to restore, or say --newest.');
    }
    const file = named === undefined ? listBackups(config.backupDir)[0]?.path : resolve(named);
    if (file === undefined) throw new Problem('failed', `There is no good backup in ${config.backupDir}.`);
    const restored = await restoreBackup({
      file,
      dbPath: config.dbPath,
      secretsFolder: config.secretsDir,
      key: config.backupKey,
      now: () => Date.now(),
      log: commandLog(),
    });
    const taken = restored.takenAt === null ? '' : ` of ${timeText(restored.takenAt)}`;
    terminal.print(`Restored ${file}${taken} to ${config.dbPath}.`);
    if (restored.secrets.length > 0) terminal.print(`Secrets put back: ${restored.secrets.join(', ')}.`);
    if (restored.aside !== null) terminal.print(`The database that was there is kept as ${restored.aside}.`);
    for (const problem of restored.examined.audit.problems) terminal.note(`Warning: ${problem}`);
    return EXIT.done;
  },
};
