/** The status of the compartments Lock, System and Tests. System and Tests survive a restart. Nothing is inferred: a report is what an operation found. */
import { join } from 'node:path';
import { z } from 'zod';
import type { AgentLog } from './log';
import { readStateFile, writeStateFile } from './state-file';

const reportSchema = z.object({
  status: z.enum(['', 'ok', 'error', 'outdated', 'working', 'unknown']),
  message: z.string(),
  checkedAt: z.string(),
});
export type CompartmentReport = z.infer<typeof reportSchema>;
export type CompartmentStatus = CompartmentReport['status'];

const commitReportSchema = reportSchema.extend({ generation: z.string() });
type CommitReport = z.infer<typeof commitReportSchema>;
const memorySchema = z.object({ system: commitReportSchema, tests: commitReportSchema });

const NO_REPORT: CompartmentReport = { status: '', message: '', checkedAt: '' };
const NO_COMMIT_REPORT: CommitReport = { ...NO_REPORT, generation: '' };

export type Compartments = ReturnType<typeof createCompartments>;

export function createCompartments(options: {
  stateDir: string;
  log: AgentLog;
  now: () => Date;
  redact: (text: string) => string;
}) {
  const path = join(options.stateDir, 'compartments.json');
  const memory = readStateFile(path, memorySchema) ?? { system: NO_COMMIT_REPORT, tests: NO_COMMIT_REPORT };
  const working = new Map<'system' | 'tests', CompartmentReport>();
  let lock: CompartmentReport = NO_REPORT;

  function makeReport(status: CompartmentStatus, message: string): CompartmentReport {
    return { status, message: options.redact(message), checkedAt: options.now().toISOString() };
  }

  function save(): void {
    try {
      writeStateFile(path, memory);
    } catch (error) {
      options.log.error(`${path} can't be written (${error instanceof Error ? error.message : 'unknown reason'})`);
    }
  }

  return {
    /** Records the status for this commit of the configuration. */
    set(name: 'system' | 'tests', status: CompartmentStatus, message: string, generation: string): void {
      working.delete(name);
      memory[name] = { ...makeReport(status, message), generation };
      save();
    },
    /** An operation is changing it. The stored report is dropped: if the agent were killed now, it could be wrong. */
    begin(name: 'system' | 'tests', message: string): void {
      working.set(name, makeReport('working', message));
      memory[name] = NO_COMMIT_REPORT;
      save();
    },
    setLock(value: CompartmentReport): void {
      lock = { ...value, message: options.redact(value.message) };
    },
    lock: () => lock,
    /** The report for this commit. A report for another commit does not count. */
    get(name: 'system' | 'tests', generation: string): CompartmentReport {
      const stored = memory[name];
      return working.get(name) ?? (stored.generation === generation ? stored : NO_REPORT);
    },
  };
}

/** A report in the form of the wire: times are UTC without fractions, as the Go agent writes them. */
export function wireReport(report: CompartmentReport): { status: string; message: string; checked_at: string } {
  return { status: report.status, message: report.message, checked_at: report.checkedAt.replace(/\.\d+Z$/, 'Z') };
}
