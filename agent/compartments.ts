/** The words for Lock, System and Tests, and what of them outlives a restart. Nothing here is inferred: a word is the fact that an operation left behind. */
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

export function createCompartments(options: { stateDir: string; log: AgentLog; now: () => Date }) {
  const path = join(options.stateDir, 'compartments.json');
  const memory = readStateFile(path, memorySchema) ?? { system: NO_COMMIT_REPORT, tests: NO_COMMIT_REPORT };
  const working: Partial<Record<'system' | 'tests', CompartmentReport>> = {};
  let lock: CompartmentReport = NO_REPORT;

  function makeReport(status: CompartmentStatus, message: string): CompartmentReport {
    return { status, message, checkedAt: options.now().toISOString() };
  }

  function save(): void {
    try {
      writeStateFile(path, memory);
    } catch (error) {
      options.log.error(`${path} can't be written (${error instanceof Error ? error.message : 'unknown reason'})`);
    }
  }

  return {
    /** What is true of this commit of the configuration from now on. */
    set(name: 'system' | 'tests', status: CompartmentStatus, message: string, generation: string): void {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- two names, both written above
      delete working[name];
      memory[name] = { ...makeReport(status, message), generation };
      save();
    },
    /** An operation is changing it. What was known ends here: were the agent killed now, nobody could vouch for it. */
    begin(name: 'system' | 'tests', message: string): void {
      working[name] = makeReport('working', message);
      memory[name] = NO_COMMIT_REPORT;
      save();
    },
    setLock(value: CompartmentReport): void {
      lock = value;
    },
    lock: () => lock,
    /** A word counts for the commit that it was learned with, and says nothing about another one. */
    get(name: 'system' | 'tests', generation: string): CompartmentReport {
      const kept = memory[name];
      return working[name] ?? (kept.generation === generation ? kept : NO_REPORT);
    },
  };
}

/** A word as it goes on the wire: UTC without fractions, as the Go agent writes times. */
export function wireReport(word: CompartmentReport): { status: string; message: string; checked_at: string } {
  return { status: word.status, message: word.message, checked_at: word.checkedAt.replace(/\.\d+Z$/, 'Z') };
}
