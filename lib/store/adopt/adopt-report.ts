/** What an adoption did with every row, for the operator and for the events. */
import { BY_DASHBOARD, NOBODY } from '@/lib/fleet/events';
import type { NewEvent } from '@/lib/fleet/records/event-record';

const MAX_NAMED_PROBLEMS = 200;

export interface TableCount {
  /** As the old dashboard called it. */
  table: string;
  /** Rows that were there. */
  before: number;
  /** Taken over as they were. */
  kept: number;
  /** Taken over, with something that did not fit in the import note or as an event. */
  mended: number;
  /** Not taken over; only the backup has them. */
  setAside: number;
  /** Why rows were set aside. */
  why: string;
}

export interface SharedName {
  name: string;
  /** The ids of the hosts that have it. */
  ids: string[];
  /** The one that an agent of this name speaks for. */
  claimed: string;
}

export interface AdoptionReport {
  /** Which dashboard wrote the old file. */
  from: string;
  at: number;
  /** File name of the untouched copy, beside the database. */
  backup: string;
  tables: TableCount[];
  /** Commands that waited or ran when the old dashboard stopped, now recorded as lost. */
  lostCommands: number;
  sharedNames: SharedName[];
  /** Files in the Go dashboard's folder of logs, which stay where they are. */
  logFiles: number;
  problemCount: number;
  /** The first of them, a sentence each. */
  problems: string[];
}

type Facts = Pick<AdoptionReport, 'from' | 'at' | 'backup' | 'sharedNames' | 'logFiles'>;

/** Counts while rows are taken over. */
export class ReportCounter {
  readonly tables = new Map<string, TableCount>();
  readonly problems: string[] = [];
  problemCount = 0;
  lostCommands = 0;

  begin(table: string, before: number): TableCount {
    const count = { table, before, kept: 0, mended: 0, setAside: 0, why: '' };
    this.tables.set(table, count);
    return count;
  }

  complain(sentences: readonly string[]): void {
    for (const sentence of sentences) {
      this.problemCount += 1;
      if (this.problems.length < MAX_NAMED_PROBLEMS) this.problems.push(sentence);
    }
  }

  report(facts: Facts): AdoptionReport {
    const { lostCommands, problemCount, problems } = this;
    return { ...facts, tables: [...this.tables.values()], lostCommands, problemCount, problems };
  }
}

/** The last event of an adopted history: from here on, this dashboard writes. */
export function adoptedEvent(report: AdoptionReport): NewEvent {
  const hosts = report.tables.find(({ table }) => table === 'hosts')?.before ?? 0;
  return {
    ...NOBODY,
    ...BY_DASHBOARD,
    at: report.at,
    category: 'system',
    level: report.problemCount > 0 || report.sharedNames.length > 0 ? 'warning' : 'info',
    action: 'database.adopted',
    message:
      `The database of ${report.from} was taken over: ${hosts} ${hosts === 1 ? 'host' : 'hosts'}, ` +
      `${report.problemCount} ${report.problemCount === 1 ? 'value' : 'values'} that did not fit. ` +
      `The untouched copy is ${report.backup}.`,
    data: { report },
  };
}

const SHOWN_PROBLEMS = 20;
const rows = (count: number) => `${count.toLocaleString('en')} ${count === 1 ? 'row' : 'rows'}`;

/** The report as lines of plain text. */
export function reportLines(report: AdoptionReport): string[] {
  const { tables, problems, problemCount, sharedNames, lostCommands } = report;
  const lines = [
    `The database of ${report.from} was taken over. The untouched copy is ${report.backup}.`,
    ...tables.map(({ table, before, kept, mended, setAside, why }) => {
      const aside = setAside === 0 ? '' : ` + ${setAside.toLocaleString('en')} set aside (${why})`;
      return `  ${table}: ${rows(before)} = ${kept.toLocaleString('en')} kept + ${mended.toLocaleString('en')} mended${aside}`;
    }),
  ];
  if (lostCommands > 0) {
    lines.push(
      `  ${lostCommands} ${lostCommands === 1 ? 'command' : 'commands'} that waited or ran: not run again, recorded as lost.`,
    );
  }
  for (const { name, ids, claimed } of sharedNames) {
    lines.push(`  ${ids.length} hosts are named ${name} (${ids.join(', ')}): its agent will speak for ${claimed}.`);
  }
  if (report.logFiles > 0) {
    lines.push(
      `  logs/: ${report.logFiles} log files stay where they are. They do not say which command they belong to.`,
    );
  }
  lines.push('  People sign in again: sessions of the old dashboard are ended.');
  if (problemCount > 0) lines.push(`  ${problemCount} values did not fit and are kept in import notes:`);
  for (const problem of problems.slice(0, SHOWN_PROBLEMS)) lines.push(`    - ${problem}`);
  if (problemCount > SHOWN_PROBLEMS) lines.push('    - … (more in the event "database.adopted" and in the rows)');
  return lines;
}

/** Says on standard output, whatever the log level, what became of every row. */
export function printAdoption(report: AdoptionReport): void {
  for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
}
