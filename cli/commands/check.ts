import { resolve } from 'node:path';
import { checkFile, type Checked } from '@/lib/store/backup/check-backup';
import { backupWitnesses } from '@/lib/store/backup/backup-folder';
import { readArguments } from '../arguments';
import { EXIT, type Command } from '../command';
import { commandLog, requireConfig } from '../configuration';
import { sizeText, timeText } from '../wording';

export const check: Command = {
  name: 'check',
  summary: 'Say what a database or a backup is, and whether it is sound',
  help: `Usage: nixfleet check [FILE]

Says what the file is (default: the database of this installation, also beside a running
dashboard), which version it needs, how many rows each table has, whether SQLite finds it
whole, whether every row refers to one that is there, whether the chain of events holds, and
whether a backup is still what its manifest says. Changes nothing. An encrypted backup needs
NIXFLEET_BACKUP_KEY.

Exits with 0 when it is sound and this version can open it, and with 1 otherwise.`,
  async run({ args, env, terminal }) {
    const { positionals } = readArguments(args, {}, 1);
    const config = requireConfig(env);
    const [named] = positionals;
    const file = named === undefined ? config.dbPath : resolve(named);
    const checked = await checkFile({
      file,
      dbPath: config.dbPath,
      key: config.backupKey,
      log: commandLog(),
      witnesses: file === config.dbPath ? backupWitnesses(config.backupDir) : [],
    });
    terminal.print(`${file}: ${sizeText(checked.bytes)}, ${kindText(checked)}`);
    for (const line of detailLines(checked)) terminal.print(line);
    const problems = [...(checked.examined?.problems ?? []), ...(checked.examined?.audit.problems ?? [])];
    for (const problem of problems) terminal.print(`  PROBLEM  ${problem}`);
    const isSound = checked.examined !== null && problems.length === 0;
    if (checked.examined !== null) terminal.print(isSound ? 'It is sound.' : 'It is not sound.');
    return isSound ? EXIT.done : EXIT.failed;
  },
};

function kindText({ content, about, encrypted }: Checked): string {
  switch (content.kind) {
    case 'ours': {
      const backup = about ? `a backup of ${timeText(about.createdAt)}, by NixFleet ${about.version}` : 'a database';
      return `${encrypted ? 'encrypted, ' : ''}${backup}`;
    }
    case 'empty':
      return 'empty: a start makes a new database of it';
    case 'newer':
      return `written by a newer NixFleet (schema of ${timeText(content.newestApplied)}): start that version`;
    case 'foreign':
      return `a database, but not of this NixFleet; its tables: ${content.tables.join(', ')}`;
    case 'not-a-database':
      return 'not an SQLite database';
  }
}

function detailLines({ content, examined, manifest }: Checked): string[] {
  if (examined === null || content.kind !== 'ours') return [];
  const { audit, rows, schema } = examined;
  return [
    `  schema   ${content.applied.length} migrations, the newest of ${timeText(schema)}`,
    `  rows     ${Object.entries(rows)
      .map(([table, count]) => `${table} ${count}`)
      .join(', ')}`,
    `  events   ${audit.head ? `${audit.first?.id ?? '?'} to ${audit.head.id}, head ${audit.head.hash}` : 'none'}`,
    manifest ? `  sha256   ${manifest.sha256}, as its manifest says` : '  sha256   it has no manifest',
  ];
}
