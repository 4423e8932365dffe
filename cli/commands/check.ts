import { resolve } from 'node:path';
import { checkFile, type Checked } from '@/lib/store/backup/check-backup';
import { backupWitnesses } from '@/lib/store/backup/backup-folder';
import { EVENT_CHAINS } from '@/lib/fleet/events/event-kind';
import type { ChainReport } from '@/lib/store/sqlite/audit';
import { readArguments } from '../arguments';
import { EXIT, type Command } from '../command';
import { commandLog, requireConfig } from '../configuration';
import { sizeText, timeText } from '../wording';

export const check: Command = {
  name: 'check',
  summary: 'Check a database or a backup for problems',
  help: `Usage: nixfleet check [FILE]

Prints what the file is, its schema version and the number of rows in each table, and
checks SQLite's integrity, the references between rows, the chain of events and, for a
backup, the SHA-256 in its manifest. The default is the database of this installation; the
dashboard may be running. Changes nothing. An encrypted backup needs NIXFLEET_BACKUP_KEY.

Exits with 0 when there is no problem and this version can open the file, otherwise with 1.`,
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
    const problems = [
      ...(checked.examined?.problems ?? []),
      ...(checked.examined?.foreign ?? []),
      ...(checked.examined?.audit.problems ?? []),
    ];
    for (const problem of problems) terminal.print(`  PROBLEM  ${problem}`);
    const isSound = checked.examined !== null && problems.length === 0;
    if (checked.examined !== null) terminal.print(isSound ? 'No problems found.' : 'Problems found.');
    return isSound ? EXIT.done : EXIT.failed;
  },
};

function kindText({ content, about, encrypted }: Checked): string {
  switch (content.kind) {
    case 'nixfleet': {
      const backup = about ? `a backup of ${timeText(about.createdAt)}, by NixFleet ${about.version}` : 'a database';
      return `${encrypted ? 'encrypted, ' : ''}${backup}`;
    }
    case 'empty':
      return 'empty: the dashboard creates a new database in it';
    case 'newer':
      return `written by a newer NixFleet (schema of ${timeText(content.newestApplied)}): use that version`;
    case 'foreign':
      return `a database that this NixFleet did not write; its tables: ${content.tables.join(', ')}`;
    case 'not-a-database':
      return 'not an SQLite database';
  }
}

function detailLines({ content, examined, manifest }: Checked): string[] {
  if (examined === null || content.kind !== 'nixfleet') return [];
  const { audit, rows, schema } = examined;
  return [
    `  schema   ${content.applied.length} migrations, the newest of ${timeText(schema)}`,
    `  rows     ${Object.entries(rows)
      .map(([table, count]) => `${table} ${count}`)
      .join(', ')}`,
    ...EVENT_CHAINS.map((chain) => `  events   ${chain}: ${rangeOf(audit.chains[chain])}`),
    manifest ? `  sha256   ${manifest.sha256}, matches the manifest` : '  sha256   no manifest',
  ];
}

function rangeOf({ first, head }: ChainReport): string {
  return head ? `${first?.id ?? '?'} to ${head.id}, head ${head.hash}` : 'none';
}
