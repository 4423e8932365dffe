/** Changes to the database file, its records, its threads and backups. */
import type { Mutant } from './mutant';

const CHAIN = 'lib/store/sqlite/event-chain.ts';
const OPEN = 'lib/store/sqlite/open-database.ts';
const FLEET = 'lib/store/sqlite/fleet-store.ts';
const AUTH = 'lib/store/sqlite/auth-store.ts';
const LINK = 'lib/store/thread/thread-link.ts';
const CHAIN_TEST = 'lib/store/sqlite/event-chain.test.ts';
const CHAINS_TEST = 'lib/store/sqlite/audit-of-two-chains.test.ts';
const EVENT_LOG_TEST = 'lib/store/sqlite/event-log.test.ts';
const OPEN_TEST = 'lib/store/sqlite/open-database.test.ts';
const MIGRATE_TEST = 'lib/store/sqlite/migrate.test.ts';
const FLEET_TEST = 'lib/store/sqlite/fleet-store.test.ts';
const CONTRACT_TEST = 'lib/store/contract/fleet-store.test.ts';
const RETENTION_TEST = 'lib/store/sqlite/retention.test.ts';
const AUTH_TEST = 'lib/store/contract/auth-store.test.ts';
const THREAD_TEST = 'lib/store/thread/open-in-thread.test.ts';
const CONNECTION_TEST = 'lib/store/thread/thread-connection.test.ts';
const UPDATE_TEST = 'lib/store/backup/update-backup.test.ts';

export const STORE_MUTANTS: readonly Mutant[] = [
  {
    name: 'actor-outside-of-the-chain',
    file: CHAIN,
    from: '    event.actor,\n',
    to: '',
    why: 'the name of who did something can be changed without a trace',
    tests: [CHAIN_TEST],
  },
  {
    name: 'sentence-outside-of-the-chain',
    file: CHAIN,
    from: '    ...(event.encoding === ENCODING_WITH_MESSAGE ? [event.message] : []),\n',
    to: '',
    why: 'the sentence of an event from before 4.1.0 can be changed without a trace',
    tests: [CHAIN_TEST, EVENT_LOG_TEST],
  },
  {
    name: 'sentence-added-to-a-later-event',
    file: CHAIN,
    from: "(encoding === ENCODING_WITH_PARAMS && message === '')",
    to: 'encoding === ENCODING_WITH_PARAMS',
    why: 'a row can get a sentence that no hash covers',
    tests: [EVENT_LOG_TEST],
  },
  {
    name: 'restored-event-without-a-sentence',
    file: 'lib/store/sqlite/event-log.ts',
    from: 'if (!hasEncoding) return toOldRow(id, event);\n',
    to: '',
    why: 'a restored database of 4.0.0 has an event whose hash does not verify',
    tests: [EVENT_LOG_TEST],
  },
  {
    name: 'chain-without-the-event-before',
    file: CHAIN,
    from: 'if (isEventChain(chain) && row.prevHash !== last.heads[chain].hash) {',
    to: "if (row.prevHash === '') {",
    why: 'rows of another history can be put in',
    tests: [CHAIN_TEST],
  },
  {
    name: 'missing-event-unnoticed',
    file: CHAIN,
    from: 'if (id > expectedId) return',
    to: 'if (id > Infinity) return',
    why: 'an event can be removed without a trace',
    tests: [CHAIN_TEST],
  },
  {
    name: 'id-of-a-deleted-event-used-again',
    file: 'lib/store/sqlite/event-log.ts',
    from: 'let id = Math.max(newestId.get() ?? 0, lastEventId.get() ?? 0);',
    to: 'let id = newestId.get() ?? 0;',
    why: 'the newest events can be removed without a trace',
    tests: [CHAIN_TEST, FLEET_TEST, CONTRACT_TEST],
  },
  {
    name: 'chain-outside-of-the-hash',
    file: CHAIN,
    from: '    ...(event.encoding === ENCODING_WITH_CHAIN ? [event.chain] : []),\n',
    to: '',
    why: 'the name of an event’s chain is not covered by its hash',
    tests: [CHAIN_TEST],
  },
  {
    name: 'event-of-main-in-another-chain',
    file: CHAIN,
    from: "  if (chain !== 'main') return false;\n",
    to: '',
    why: 'an event can be moved to the chain that keeps fewer events',
    tests: [CHAINS_TEST, EVENT_LOG_TEST],
  },
  {
    name: 'events-of-peers-count-against-main',
    file: 'lib/store/sqlite/event-retention.ts',
    from: "'select id from events where chain = ? order by id desc limit 1 offset ?',",
    to: "'select id from events where chain >= ? order by id desc limit 1 offset ?',",
    why: 'a flood of agents’ events deletes sign-ins and commands',
    tests: [CHAINS_TEST],
  },
  {
    name: 'newest-events-of-peers-unproven-after-a-cut',
    file: 'lib/store/sqlite/audit.ts',
    from: 'checked.main.cut?.heads ?? []',
    to: 'checked.main.cut?.heads.slice(1) ?? []',
    why: 'the newest events of agents can be removed without a trace where older events were deleted',
    tests: [CHAINS_TEST],
  },
  {
    name: 'gap-between-chains-unnoticed',
    file: 'lib/store/sqlite/audit.ts',
    from: 'row.id > lastId + 1 && row.id - 1 > cutUpTo',
    to: 'row.id > lastId + 1 && row.id - 1 > Infinity',
    why: 'the newest events of one chain can be removed while the other goes on',
    tests: [CHAINS_TEST],
  },
  {
    name: 'events-deleted-without-an-anchor',
    file: 'lib/store/sqlite/event-retention.ts',
    from: 'if (newestCut(client, chain)?.upTo === last.id) yield* deleteUpTo(client, chain, last.id);',
    to: 'yield* deleteUpTo(client, chain, last.id);',
    why: 'after a refused write, the remaining events can’t be verified any more',
    tests: [RETENTION_TEST],
  },
  {
    name: 'event-deleted-too-early',
    file: 'lib/store/sqlite/event-retention.ts',
    from: 'const newestToCut = Math.max(low - 1, ',
    to: 'const newestToCut = Math.max(low, ',
    why: 'an event that is young enough is deleted',
    tests: [RETENTION_TEST],
  },
  {
    name: 'overlapping-output',
    file: FLEET,
    from: 'if (before && before.lastSeq >= first.seq) {',
    to: 'if (before && before.lastSeq < 0) {',
    why: 'lines with the same number are stored twice',
    tests: [FLEET_TEST, CONTRACT_TEST],
  },
  {
    name: 'output-with-a-gap',
    file: FLEET,
    from: 'if (lines.some(({ seq }, index) => seq !== first.seq + index)) {',
    to: 'if (lines.some(({ seq }) => seq < first.seq)) {',
    why: 'stored lines get other numbers than the ones that were acknowledged',
    tests: [FLEET_TEST, CONTRACT_TEST],
  },
  {
    name: 'removed-host-written-again',
    file: FLEET,
    from: `    for (const host of writes.hosts ?? []) writeHost(toHostRow(host));
    for (const command`,
    to: `    for (const id of writes.removedHosts ?? []) deleteHost.run(id);
    for (const host of writes.hosts ?? []) writeHost(toHostRow(host));
    writes = { ...writes, removedHosts: [] };
    for (const command`,
    why: 'a host that was removed is back after a restart',
    tests: [FLEET_TEST, CONTRACT_TEST],
  },
  {
    name: 'commit-without-a-transaction',
    file: FLEET,
    from: 'commit.immediate(writes)',
    to: 'commit.immediate({ hosts: writes.hosts }) && commit.immediate({ ...writes, hosts: [] })',
    why: 'a refused write leaves half of a change in the database',
    tests: [FLEET_TEST, CONTRACT_TEST],
  },
  {
    name: 'commits-not-on-the-disk',
    file: 'lib/store/thread/thread-connection.ts',
    from: 'setSafePragmas(client);',
    to: '',
    why: 'a power failure takes back what was announced',
    tests: [CONNECTION_TEST, THREAD_TEST],
  },
  {
    name: 'migrations-not-on-the-disk',
    file: 'lib/store/sqlite/connection-settings.ts',
    from: "client.pragma('synchronous = FULL');",
    to: "client.pragma('synchronous = NORMAL');",
    why: 'a power failure takes back what the start stored',
    tests: [OPEN_TEST],
  },
  {
    name: 'references-not-enforced',
    file: 'lib/store/sqlite/migrate.ts',
    from: "  client.pragma('foreign_keys = ON');\n}",
    to: '}',
    why: 'rows refer to hosts that do not exist',
    tests: [OPEN_TEST, MIGRATE_TEST],
  },
  {
    name: 'two-processes-in-a-folder',
    file: 'lib/store/sqlite/folder-lock.ts',
    from: "client.exec('BEGIN EXCLUSIVE');",
    to: "client.exec('BEGIN');",
    why: 'two dashboards write into one database',
    tests: [OPEN_TEST],
  },
  {
    name: 'newer-database-opened',
    file: OPEN,
    from: 'requireOwnSchema(file, inspectFile(file, known, withUntouched), back);',
    to: '',
    why: 'an older version writes into a database that it does not know',
    tests: [OPEN_TEST, UPDATE_TEST],
  },
  {
    name: 'code-used-twice',
    file: AUTH,
    from: 'setWhere: lt(totpSteps.lastStep, step),',
    to: '',
    why: 'a code that somebody saw signs in a second time',
    tests: [AUTH_TEST],
  },
  {
    name: 'recovery-code-used-twice',
    file: AUTH,
    from: 'eq(recoveryCodes.codeHash, codeHash), isNull(recoveryCodes.usedAt));',
    to: 'eq(recoveryCodes.codeHash, codeHash));',
    why: 'a recovery code works more than once',
    tests: [AUTH_TEST],
  },
  {
    name: 'throttle-written-over-a-newer-count',
    file: AUTH,
    from: 'if (!changes.every(({ bucket, from }) => isSame(throttle(tx, bucket), from))) return false;',
    to: '',
    why: 'of two guesses at the same moment, only one counts',
    tests: [AUTH_TEST, 'lib/auth/operator/same-moment.test.ts'],
  },
  {
    name: 'revoked-session-revoked-again',
    file: AUTH,
    from: 'const open = and(eq(sessions.idHash, idHash), isNull(sessions.revokedAt));',
    to: 'const open = eq(sessions.idHash, idHash);',
    why: 'two requests both report that they ended one session',
    tests: [AUTH_TEST],
  },
  {
    name: 'calls-without-a-limit',
    file: LINK,
    from: 'if (this.calls.size >= maxOutstanding) {',
    to: 'if (this.calls.size >= Infinity) {',
    why: 'calls fill the memory while the disk hangs',
    tests: [THREAD_TEST],
    hangs: true,
  },
  {
    name: 'calls-of-a-dead-thread-wait',
    file: LINK,
    from: '    for (const { reject } of calls) reject(death);\n',
    to: '',
    why: 'the dashboard waits for ever for a thread that has ended',
    tests: [THREAD_TEST],
    hangs: true,
  },
  {
    name: 'death-of-a-thread-unnoticed',
    file: LINK,
    from: "    if (before === 'open') this.options.onDeath(death);\n",
    to: '',
    why: 'a dashboard that can store nothing looks alive',
    tests: [THREAD_TEST],
    hangs: true,
  },
  {
    name: 'call-after-the-stop',
    file: LINK,
    from: "if (this.refusesCalls || this.state === 'ended') {",
    to: "if (this.state === 'ended') {",
    why: 'a call after the stop is never answered',
    tests: [THREAD_TEST],
    hangs: true,
  },
  {
    name: 'lock-released-while-a-thread-writes',
    file: 'lib/store/thread/open-in-thread.ts',
    from: 'if (writer.hasEnded) db.$lock.release();',
    to: 'db.$lock.release();',
    why: 'another dashboard opens the database while a thread still writes',
    tests: [THREAD_TEST],
  },
  {
    name: 'output-read-by-the-writer',
    file: 'lib/store/thread/store-engine.ts',
    from: "fleet: ['output', 'events', 'eventsAfter', 'commandsOf', 'pipelines'],",
    to: "fleet: ['events', 'eventsAfter', 'commandsOf', 'pipelines'],",
    why: 'reading a long output holds up every write',
    tests: [THREAD_TEST],
  },
  {
    name: 'migrated-without-a-backup',
    file: 'lib/store/backup/update-backup.ts',
    from: "if (content.kind !== 'nixfleet' || pendingMigrations(known, content.applied).length === 0) return null;",
    to: "if (content.kind !== 'nixfleet' || pendingMigrations(known, content.applied).length > 0) return null;",
    why: 'there is no way back to the version from before',
    tests: [UPDATE_TEST],
  },
  {
    name: 'damaged-update-backup-used-again',
    file: 'lib/store/backup/update-backup.ts',
    from: '(await sha256OfFile(backup.path)) === backup.sha256 && ',
    to: '',
    why: 'the database is migrated although its backup is damaged',
    tests: [UPDATE_TEST],
  },
  {
    name: 'unsound-copy-as-a-backup',
    file: 'lib/store/backup/create-backup.ts',
    from: 'if (examined.problems.length > 0) {',
    to: 'if (examined.problems.length > Infinity) {',
    why: 'a backup of a damaged database counts as good',
    tests: ['lib/store/backup/backup.test.ts'],
  },
];
