/** Builds the new database from an older one, row by row: memory does not grow with the number of rows. */
import type Sqlite from 'better-sqlite3';
import { asDatabaseError, DatabaseError } from '../sqlite/store-errors';
import { mapCommand, mapPending, type AdoptedCommand, type AdoptedEvent } from './adopt-command';
import { mapAudit, mapEvent, mapReboot } from './adopt-event';
import { createEventStage, type EventStage } from './event-stage';
import { mapHost } from './adopt-host';
import { HostDirectory } from './host-directory';
import { mapSample } from './adopt-metrics';
import { operationOf } from './old-operations';
import { OldRow } from './old-row';
import type { OldDashboard } from './old-schema';
import { mapPipeline } from './adopt-pipeline';
import { adoptedEvent, ReportCounter, type AdoptionReport } from './adopt-report';
import { Writers } from './writers';

/** Tables that are not adopted, and why. */
const SET_ASIDE: ReadonlyMap<string, string> = new Map([
  ['sessions', 'people sign in again'],
  ['state_version', 'a counter that has no meaning here'],
]);

export interface BuildOptions {
  old: { client: Sqlite.Database; dashboard: OldDashboard };
  /** A migrated, empty database. */
  client: Sqlite.Database;
  /** File name of the untouched copy. */
  backup: string;
  now: number;
  /** Number of files in the folder `logs` beside the old database. */
  logFiles: number;
  /** Called after each transaction. */
  onBatch?: () => void;
}

/** Whether a row was adopted, or set aside for a reason. */
type RowResult = { kind: 'adopted' } | { kind: 'aside'; why: string };
const ADOPTED: RowResult = { kind: 'adopted' };

/** Fills the new database and checks that every row is accounted for. Throws a DatabaseError that names the row. */
export function buildFromOld(options: BuildOptions): AdoptionReport {
  return new Builder(options).run();
}

class Builder {
  private readonly counter = new ReportCounter();
  private readonly directory = new HostDirectory();
  private readonly writers: Writers;
  private readonly stage: EventStage;
  private readonly pending: { operation: string; at: number; hostId: string }[] = [];
  private readonly context;
  /** Number of rows that the new tables must hold at the end. */
  private readonly written = { commands: 0, events: 0 };

  constructor(private readonly options: BuildOptions) {
    const { client, now } = options;
    this.stage = createEventStage(client);
    this.writers = new Writers(client, options.onBatch ?? (() => undefined));
    this.context = {
      now,
      host: (oldId: string) => this.directory.find(oldId),
      newId: (at: number) => this.writers.newCommandId(at),
      hasCommand: (id: string) => this.writers.hasCommand(id),
      hasPipeline: (id: string) => this.writers.hasPipeline(id),
    };
  }

  run(): AdoptionReport {
    const { client, old, backup, now, logFiles } = this.options;
    client.exec('begin');
    this.each('hosts', (row) => this.host(row));
    for (const table of ['command_log', 'command_logs', 'commands'] as const) {
      this.each(table, (row) => this.command(mapCommand(row, table, this.context)));
    }
    this.pendingCommands();
    this.each('pipelines', (row) => {
      const pipeline = mapPipeline(row, this.context);
      this.writers.pipeline(pipeline);
      return this.event(pipeline.event);
    });
    this.each('event_log', (row) => this.event(mapEvent(row, this.context)));
    this.each('audit_log', (row) => this.event(mapAudit(row, this.context)));
    this.each('reboot_attempts', (row) => this.event(mapReboot(row, this.context)));
    this.each('metrics', (row) => this.sample(row));
    for (const table of old.dashboard.tables.keys()) {
      if (!this.counter.tables.has(table)) this.setAside(table);
    }
    const report = this.counter.report({
      from: old.dashboard.label,
      at: now,
      backup,
      sharedNames: this.directory.sharedNames(),
      logFiles,
    });
    const events = this.stage.drain(adoptedEvent(report), () => this.writers.step());
    client.exec('commit');
    this.verify(report, events);
    return report;
  }

  /** Adopts each row of a table, if the old dashboard has that table. */
  private each(table: string, adopt: (row: OldRow) => RowResult): void {
    const { client, dashboard } = this.options.old;
    if (!dashboard.tables.has(table)) return;
    const count = this.counter.begin(table, countRows(client, table));
    const rows = client.prepare<[], object>(`select * from "${table}"`).safeIntegers(true);
    let position = 0;
    for (const values of rows.iterate()) {
      position += 1;
      const row = new OldRow(table, position, values);
      try {
        const result = adopt(row);
        if (result.kind === 'aside') {
          count.setAside += 1;
          count.why ||= result.why;
        } else if (row.hasProblems) count.mended += 1;
        else count.kept += 1;
        this.counter.addProblems(row.problemSentences);
        this.writers.step();
      } catch (error) {
        throw rowError(error, row, this.options.client.name);
      }
    }
  }

  private setAside(table: string): void {
    const count = this.counter.begin(table, countRows(this.options.old.client, table));
    count.setAside = count.before;
    count.why = SET_ASIDE.get(table) ?? 'not a known table of an older dashboard';
  }

  private host(row: OldRow): RowResult {
    const { old, now } = this.options;
    const host = mapHost(row, old.dashboard.kind, this.directory, now);
    this.writers.host(host, now);
    this.directory.add(host.row);
    if (host.tokenHash !== null) this.directory.addToken(host.tokenHash);
    if (host.pending) this.pending.push({ ...host.pending, hostId: host.row.id });
    return ADOPTED;
  }

  private command(adopted: AdoptedCommand): RowResult {
    if (adopted.kind === 'event') return this.event(adopted.event);
    this.writers.command(adopted);
    this.written.commands += 1;
    return ADOPTED;
  }

  /** Commands that were waiting or running when the old dashboard stopped, unless they have a row in a table of commands. */
  private pendingCommands(): void {
    const recorded = this.options.client
      .prepare<[string, string], number>(
        `select 1 from commands where host_id = ? and outcome = 'lost' and operation = ? limit 1`,
      )
      .pluck();
    for (const { operation, at, hostId } of this.pending) {
      const host = this.directory.find(hostId);
      const isRecorded =
        this.options.old.dashboard.kind === 'go' && recorded.get(hostId, operationOf(operation) ?? '') === 1;
      if (!host || isRecorded) continue;
      this.counter.lostCommands += 1;
      this.command(mapPending(operation, at, host, this.context));
    }
  }

  private event(event: AdoptedEvent): RowResult {
    this.stage.add(event);
    this.written.events += 1;
    return ADOPTED;
  }

  private sample(row: OldRow): RowResult {
    const sample = mapSample(row, this.context);
    // These rows have no import note: a row that does not fit unchanged stays in the copy only.
    if (!sample || row.hasProblems || this.writers.hasSample(sample.hostId, sample.at)) {
      return { kind: 'aside', why: 'unknown host, missing time or number, or duplicate' };
    }
    this.writers.sample(sample);
    return ADOPTED;
  }

  /** Checks that every row was counted and that every counted row exists. */
  private verify({ tables }: AdoptionReport, events: number): void {
    const { client } = this.options;
    const fail = (what: string) => {
      throw new DatabaseError('adoption', `The new database is incomplete: ${what}. The old one is unchanged.`);
    };
    for (const { table, before, kept, mended, setAside } of tables) {
      if (before !== kept + mended + setAside) {
        fail(`of ${before} rows of ${table}, ${kept} were kept, ${mended} adjusted and ${setAside} set aside`);
      }
    }
    const expected = { hosts: this.directory.size, commands: this.written.commands, events: this.written.events + 1 };
    for (const [table, count] of Object.entries(expected)) {
      const found = countRows(client, table);
      if (found !== count) fail(`${table} has ${found} rows instead of ${count}`);
    }
    if (events !== expected.events) fail(`${events} events were chained instead of ${expected.events}`);
    const orphan = client.prepare<[], { table: string }>('select "table" from pragma_foreign_key_check').get();
    if (orphan) fail(`a row of ${orphan.table} refers to a missing row`);
    const verdict = client.pragma('quick_check(1)', { simple: true });
    if (verdict !== 'ok') fail(`SQLite reports: ${String(verdict)}`);
  }
}

function countRows(client: Sqlite.Database, table: string): number {
  const name = table.replaceAll('"', '""');
  return client.prepare<[], number>(`select count(*) from "${name}"`).pluck().get() ?? 0;
}

/** A full disk is not an error of the row. */
function rowError(error: unknown, row: OldRow, path: string): DatabaseError {
  const known = asDatabaseError(error, path);
  if (known.kind === 'disk-full' || known.kind === 'read-only') return known;
  return new DatabaseError(
    'adoption',
    `${row.name} can’t be adopted: ${known.message} The old database is unchanged.`,
    error,
  );
}
