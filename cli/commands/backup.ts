import { resolve } from 'node:path';
import { runBackupRound, type RoundResult } from '@/lib/store/backup/run-backup';
import { VERSION } from '@/lib/version';
import { readArguments } from '../arguments';
import { EXIT, type Command } from '../command';
import { requireConfig } from '../configuration';
import { sizeText } from '../wording';

export const backup: Command = {
  name: 'backup',
  summary: 'Back up the database and its secrets, and check the backup',
  help: `Usage: nixfleet backup [--to FOLDER] [--keep N] [--json]

Copies a snapshot of the database, with the secrets that the dashboard generated, into one
file. The dashboard may be running. The copy is opened and checked; a manifest with its
SHA-256 is written beside it. Older backups beyond the number to keep are removed. Prints
the path of the backup.

Without NIXFLEET_BACKUP_KEY the file is not encrypted: it is an SQLite database with a
table of secrets, and whoever has it can read everything. With the key it is encrypted in
the age format.

  --to FOLDER   instead of NIXFLEET_BACKUP_DIR (default: backups in the data folder)
  --keep N      instead of NIXFLEET_BACKUP_KEEP (default: 14)
  --json        print the result as one line of JSON

The backup holds the secrets of the folder "secrets", but not those set in the environment:
keep the .env file as well.`,
  async run({ args, env, terminal }) {
    const { values } = readArguments(
      args,
      { to: { type: 'string' }, keep: { type: 'string' }, json: { type: 'boolean' } },
      0,
    );
    const config = requireConfig(values.keep === undefined ? env : { ...env, NIXFLEET_BACKUP_KEEP: values.keep });
    const { backup: made, warnings } = await runBackupRound({
      dbPath: config.dbPath,
      secretsFolder: config.secretsDir,
      folder: values.to === undefined ? config.backupDir : resolve(values.to),
      copyFolder: config.backupCopyDir,
      keep: config.backupKeep,
      key: config.backupKey,
      version: VERSION,
      now: () => Date.now(),
    });
    if (values.json === true) {
      const { file, bytes, createdAt } = made;
      const result: RoundResult = { file, bytes, createdAt, warnings };
      terminal.print(JSON.stringify(result));
    } else {
      terminal.print(made.path);
      terminal.note(`${sizeText(made.bytes)}, checked${made.encrypted ? ', encrypted' : ', not encrypted'}.`);
      for (const warning of warnings) terminal.note(`Warning: ${warning}`);
    }
    return EXIT.done;
  },
};
