import { resolve } from 'node:path';
import { checkFile } from '@/lib/store/backup/check-backup';
import { backupWitnesses } from '@/lib/store/backup/backup-folder';
import { EVENT_CHAINS } from '@/lib/fleet/events/event-kind';
import type { ChainReport, Witness } from '@/lib/store/sqlite/audit';
import { readArguments } from '../arguments';
import { EXIT, Problem, type Command } from '../command';
import { commandLog, requireConfig } from '../configuration';

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'Verify that no event was changed or removed',
  help: `Usage: nixfleet audit verify [FILE] [--head CHAIN:ID:HASH]…

Recomputes the hash of every event, from the oldest on, and compares it with the stored
hash and with the next event. This finds every edited, moved or missing event. There are
two chains: "main" has what operators and the dashboard do, "peers" what agents and
visitors without a session cause. When retention removes the oldest events of a chain, it
records the last one removed. The newest event is compared with SQLite's counter, with the
manifests of the backups in NIXFLEET_BACKUP_DIR, and with --head.

It can't detect that somebody removed the newest events since the last backup and also
reset the counter, or that somebody who can write the database, the backups and the log
replaced the whole history. Keep the heads that this command prints (the dashboard also
logs them every hour) where such a person has no access.

  --head CHAIN:ID:HASH   a head noted earlier: that event must still exist unchanged.
                         May be given several times. A head noted before there were two
                         chains, ID:HASH, is one of "main".`,
  async run({ args, env, terminal }) {
    const { values, positionals } = readArguments(args, { head: { type: 'string', multiple: true } }, 1);
    const config = requireConfig(env);
    const [named] = positionals;
    const file = named === undefined ? config.dbPath : resolve(named);
    const noted = (values.head ?? []).map(parseHead);
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
    for (const chain of EVENT_CHAINS) terminal.print(`${chain}: ${summaryOf(audit.chains[chain])}`);
    terminal.print(`Noted heads that match: ${audit.agreed}.`);
    for (const chain of EVENT_CHAINS) {
      const { head } = audit.chains[chain];
      if (head) terminal.print(`Head: ${chain}:${head.id}:${head.hash}`);
    }
    const isIntact = audit.problems.length === 0;
    terminal.print(isIntact ? 'The chains of events are intact.' : 'The chains of events are not intact.');
    return isIntact ? EXIT.done : EXIT.failed;
  },
};

function summaryOf({ rows, first, head, cutUpTo }: ChainReport): string {
  const range = first && head ? `, ${first.id} to ${head.id}` : '';
  const cut = cutUpTo === null ? '' : ` Retention removed the older ones, up to ${cutUpTo}.`;
  return `${rows} events${range}.${cut}`;
}

function parseHead(text: string): Witness {
  const [, named = 'main', id, hash] = /^(?:([a-z]+):)?(\d+):([0-9a-f]{64})$/.exec(text) ?? [];
  const chain = EVENT_CHAINS.find((known) => known === named);
  if (chain === undefined || id === undefined || hash === undefined) {
    throw new Problem('usage', '--head needs a head as this command prints it: main:12:9f…');
  }
  return { source: '--head', at: null, chain, id: Number(id), hash };
}
