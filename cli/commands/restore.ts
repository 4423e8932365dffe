import { resolve } from 'node:path';
import { listBackups } from '@/lib/store/backup/backup-folder';
import { restoreBackup } from '@/lib/store/backup/restore-backup';
import { readArguments } from '../arguments';
import { EXIT, Problem, type Command } from '../command';
import { commandLog, requireConfig } from '../configuration';
import { timeText } from '../wording';

export const restore: Command = {
  name: 'restore',
  summary: 'Replace the database with a backup',
  help: `Usage: nixfleet restore FILE
       nixfleet restore --newest

Checks the backup, then replaces the database and its secrets with it: completely or not at
all. The replaced database and secrets stay in the same folders, with "before-restore" in
their names. Stop the dashboard first: the command refuses while one is running.

An encrypted backup needs the NIXFLEET_BACKUP_KEY it was encrypted with.

  --newest   restore the newest good backup in NIXFLEET_BACKUP_DIR`,
  async run({ args, env, terminal }) {
    const { values, positionals } = readArguments(args, { newest: { type: 'boolean' } }, 1);
    const config = requireConfig(env);
    const [named] = positionals;
    if ((named === undefined) === (values.newest !== true)) {
      throw new Problem('usage', 'Name the backup to restore, or use --newest.');
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
    const time = restored.takenAt === null ? '' : ` of ${timeText(restored.takenAt)}`;
    terminal.print(`Restored ${file}${time} to ${config.dbPath}.`);
    if (restored.secrets.length > 0) terminal.print(`Restored secrets: ${restored.secrets.join(', ')}.`);
    if (restored.replaced !== null) terminal.print(`The replaced database is kept as ${restored.replaced}.`);
    for (const problem of restored.examined.audit.problems) terminal.note(`Warning: ${problem}`);
    return EXIT.done;
  },
};
