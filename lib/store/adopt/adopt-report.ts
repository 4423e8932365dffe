/** The report of an adoption: what became of every row. Printed at the start and stored as an event. */
import { BY_DASHBOARD, NOBODY } from '@/lib/fleet/events';
import type { NewEvent } from '@/lib/fleet/records/event-record';

const MAX_NAMED_PROBLEMS = 200;

export interface TableCount {
  /** Name of the table in the old database. */
  table: string;
  /** Rows in the old table. */
  before: number;
  /** Rows adopted unchanged. */
  kept: number;
  /** Rows adopted with an adjustment; values that were not valid are in the import note or in an event. */
  mended: number;
  /** Rows not adopted; only the copy has them. */
  setAside: number;
  /** Why rows were set aside. */
  why: string;
}

export interface SharedName {
  name: string;
  /** Ids of the hosts with this name. */
  ids: string[];
  /** Id of the host that an agent with this name connects as. */
  claimed: string;
}

export interface AdoptionReport {
  /** Which dashboard wrote the old file. */
  from: string;
  at: number;
  /** File name of the untouched copy, beside the database. */
  backup: string;
  tables: TableCount[];
  /** Number of commands that were waiting or running when the old dashboard stopped, now recorded as lost. */
  lostCommands: number;
  sharedNames: SharedName[];
  /** Number of files in the Go dashboard's folder of logs, which stay there. */
  logFiles: number;
  problemCount: number;
  /** The first of the problems, one sentence each. */
  problems: string[];
}

type Facts = Pick<AdoptionReport, 'from' | 'at' | 'backup' | 'sharedNames' | 'logFiles'>;

/** Counts rows while they are adopted. */
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

  addProblems(sentences: readonly string[]): void {
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

/** The last event of an adopted history: this dashboard writes the following ones. */
export function adoptedEvent(report: AdoptionReport): NewEvent {
  const hosts = report.tables.find(({ table }) => table === 'hosts')?.before ?? 0;
  return {
    ...NOBODY,
    ...BY_DASHBOARD,
    at: report.at,
    action: 'database.adopted',
    params: {
      from: report.from,
      hosts,
      problems: report.problemCount,
      sharedNames: report.sharedNames.length,
      backup: report.backup,
      report: { ...report },
    },
  };
}

const SHOWN_PROBLEMS = 20;
const rows = (count: number) => `${count.toLocaleString('en')} ${count === 1 ? 'row' : 'rows'}`;

/** The report as lines of plain text. */
export function reportLines(report: AdoptionReport): string[] {
  const { tables, problems, problemCount, sharedNames, lostCommands } = report;
  const lines = [
    `The database of ${report.from} was adopted. The untouched copy is ${report.backup}.`,
    ...tables.map(({ table, before, kept, mended, setAside, why }) => {
      const aside = setAside === 0 ? '' : ` + ${setAside.toLocaleString('en')} set aside (${why})`;
      return `  ${table}: ${rows(before)} = ${kept.toLocaleString('en')} kept + ${mended.toLocaleString('en')} adjusted${aside}`;
    }),
  ];
  if (lostCommands > 0) {
    lines.push(
      lostCommands === 1
        ? '  1 command was waiting or running: it is recorded as lost and is not run again.'
        : `  ${lostCommands} commands were waiting or running: they are recorded as lost and are not run again.`,
    );
  }
  for (const { name, ids, claimed } of sharedNames) {
    lines.push(
      `  ${ids.length} hosts are named ${name} (${ids.join(', ')}): the agent of that name connects as ${claimed}.`,
    );
  }
  if (report.logFiles > 0) {
    lines.push(
      `  logs/: ${report.logFiles} log ${report.logFiles === 1 ? 'file stays' : 'files stay'} in that folder. The files do not say which command they belong to.`,
    );
  }
  lines.push('  People have to sign in again: the sessions of the old dashboard have ended.');
  if (problemCount > 0)
    lines.push(
      `  ${problemCount} ${problemCount === 1 ? 'value was' : 'values were'} not valid. Import notes keep them:`,
    );
  for (const problem of problems.slice(0, SHOWN_PROBLEMS)) lines.push(`    - ${problem}`);
  if (problemCount > SHOWN_PROBLEMS) lines.push('    - … (more in the event "database.adopted" and in the rows)');
  return lines;
}

/** Prints the report on standard output, whatever the log level. */
export function printAdoption(report: AdoptionReport): void {
  for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
}
