import { resolve } from 'node:path';
import { checkFile } from '@/lib/store/backup/check-backup';
import { backupWitnesses } from '@/lib/store/backup/backup-folder';
import type { Witness } from '@/lib/store/sqlite/audit';
import { readArguments } from '../arguments';
import { EXIT, Problem, type Command } from '../command';
import { commandLog, requireConfig } from '../configuration';

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'Verify the chain of events: that none was changed or taken out',
  help: `Usage: nixfleet audit verify [FILE] [--head ID:HASH]

Computes the hash of every event anew and compares it with the next one's, from the oldest
on. An edited, moved or missing event shows, wherever it was. Of the oldest end, retention
leaves an event that names the last one it cut. That the newest end is whole is compared with
SQLite's counter, with the manifests of the backups in NIXFLEET_BACKUP_DIR, and with --head.

What it can't show: events that were taken from the newest end since the last backup by
somebody who also set the counter back; and a whole new history by somebody who can write
the database, the backups and the log. Note the head that this command prints (the
dashboard logs it every hour) where such a person does not reach.

  --head ID:HASH   a head that was noted earlier: that event has to be there unchanged`,
  async run({ args, env, terminal }) {
    const { values, positionals } = readArguments(args, { head: { type: 'string' } }, 1);
    const config = requireConfig(env);
    const [named] = positionals;
    const file = named === undefined ? config.dbPath : resolve(named);
    const noted = values.head === undefined ? [] : [parseHead(values.head)];
    // A copy from yesterday rightly lacks what the backups of today have.
    const backups = file === config.dbPath ? backupWitnesses(config.backupDir) : [];
    const { examined } = await checkFile({
      file,
      dbPath: config.dbPath,
      key: config.backupKey,
      log: commandLog(),
      witnesses: [...noted, ...backups],
    });
    if (examined === null) throw new Problem('failed', `${file} is not a database of this NixFleet.`);
    const { audit } = examined;
    for (const problem of audit.problems) terminal.print(`PROBLEM  ${problem}`);
    const range = audit.first && audit.head ? `, ${audit.first.id} to ${audit.head.id}` : '';
    const cut = audit.cutUpTo === null ? '' : ` Retention cut the older ones, up to ${audit.cutUpTo}.`;
    terminal.print(`${audit.rows} events${range}.${cut}`);
    terminal.print(`Compared with ${audit.agreed} heads noted elsewhere that agree.`);
    if (audit.head) terminal.print(`Head: ${audit.head.id}:${audit.head.hash}`);
    const holds = audit.problems.length === 0;
    terminal.print(holds ? 'The chain holds.' : 'The chain does not hold.');
    return holds ? EXIT.done : EXIT.failed;
  },
};

function parseHead(text: string): Witness {
  const [, id, hash] = /^(\d+):([0-9a-f]{64})$/.exec(text) ?? [];
  if (id === undefined || hash === undefined) {
    throw new Problem('usage', '--head wants the number and the hash of an event, as this command prints them: 12:9f…');
  }
  return { source: '--head', at: null, id: Number(id), hash };
}
