import { resolve } from 'node:path';
import { checkFile } from '@/lib/store/backup/check-backup';
import { backupWitnesses } from '@/lib/store/backup/backup-folder';
import type { Witness } from '@/lib/store/sqlite/audit';
import { readArguments } from '../arguments';
import { EXIT, Problem, type Command } from '../command';
import { commandLog, requireConfig } from '../configuration';

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'Verify that no event was changed or removed',
  help: `Usage: nixfleet audit verify [FILE] [--head ID:HASH]

Recomputes the hash of every event, from the oldest on, and compares it with the stored
hash and with the next event. This finds every edited, moved or missing event. When
retention removes the oldest events, it records the last one removed. The newest event is
compared with SQLite's counter, with the manifests of the backups in NIXFLEET_BACKUP_DIR,
and with --head.

It can't detect that somebody removed the newest events since the last backup and also
reset the counter, or that somebody who can write the database, the backups and the log
replaced the whole history. Keep the head that this command prints (the dashboard also
logs it every hour) where such a person has no access.

  --head ID:HASH   a head noted earlier: that event must still exist unchanged`,
  async run({ args, env, terminal }) {
    const { values, positionals } = readArguments(args, { head: { type: 'string' } }, 1);
    const config = requireConfig(env);
    const [named] = positionals;
    const file = named === undefined ? config.dbPath : resolve(named);
    const noted = values.head === undefined ? [] : [parseHead(values.head)];
    // An older copy does not have the events of newer backups.
    const backups = file === config.dbPath ? backupWitnesses(config.backupDir) : [];
    const { examined } = await checkFile({
      file,
      dbPath: config.dbPath,
      key: config.backupKey,
      log: commandLog(),
      witnesses: [...noted, ...backups],
    });
    if (examined === null) throw new Problem('failed', `${file} is not a database that this NixFleet can read.`);
    const { audit } = examined;
    for (const problem of audit.problems) terminal.print(`PROBLEM  ${problem}`);
    const range = audit.first && audit.head ? `, ${audit.first.id} to ${audit.head.id}` : '';
    const cut = audit.cutUpTo === null ? '' : ` Retention removed the older ones, up to ${audit.cutUpTo}.`;
    terminal.print(`${audit.rows} events${range}.${cut}`);
    terminal.print(`Noted heads that match: ${audit.agreed}.`);
    if (audit.head) terminal.print(`Head: ${audit.head.id}:${audit.head.hash}`);
    const isIntact = audit.problems.length === 0;
    terminal.print(isIntact ? 'The chain of events is intact.' : 'The chain of events is not intact.');
    return isIntact ? EXIT.done : EXIT.failed;
  },
};

function parseHead(text: string): Witness {
  const [, id, hash] = /^(\d+):([0-9a-f]{64})$/.exec(text) ?? [];
  if (id === undefined || hash === undefined) {
    throw new Problem('usage', '--head needs the id and the hash of an event, as this command prints them: 12:9f…');
  }
  return { source: '--head', at: null, id: Number(id), hash };
}
