/** The words for Lock, System and Tests, and what of them outlives a restart. Nothing here is inferred: a word is the fact that an operation left behind. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Log } from './log';
import { readStateFile, writeStateFile } from './state-file';

const wordSchema = z.object({
  status: z.enum(['', 'ok', 'error', 'outdated', 'working', 'unknown']),
  message: z.string(),
  checkedAt: z.string(),
});
export type Word = z.infer<typeof wordSchema>;
export type WordStatus = Word['status'];

const scopedSchema = wordSchema.extend({ generation: z.string() });
type Scoped = z.infer<typeof scopedSchema>;
const memorySchema = z.object({ system: scopedSchema, tests: scopedSchema });

const NOTHING: Word = { status: '', message: '', checkedAt: '' };
const NOTHING_YET: Scoped = { ...NOTHING, generation: '' };

export type Compartments = ReturnType<typeof createCompartments>;

export function createCompartments(options: { stateDir: string; log: Log; now: () => Date }) {
  const path = join(options.stateDir, 'compartments.json');
  const memory = readStateFile(path, memorySchema) ?? { system: NOTHING_YET, tests: NOTHING_YET };
  const working: Partial<Record<'system' | 'tests', Word>> = {};
  let lock: Word = NOTHING;

  function word(status: WordStatus, message: string): Word {
    return { status, message, checkedAt: options.now().toISOString() };
  }

  function keep(): void {
    try {
      writeStateFile(path, memory);
    } catch (error) {
      options.log.error(`${path} can't be written (${error instanceof Error ? error.message : 'unknown reason'})`);
    }
  }

  return {
    /** What is true of this commit of the configuration from now on. */
    set(name: 'system' | 'tests', status: WordStatus, message: string, generation: string): void {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- two names, both written above
      delete working[name];
      memory[name] = { ...word(status, message), generation };
      keep();
    },
    /** An operation is changing it. What was known ends here: were the agent killed now, nobody could vouch for it. */
    begin(name: 'system' | 'tests', message: string): void {
      working[name] = word('working', message);
      memory[name] = NOTHING_YET;
      keep();
    },
    setLock(value: Word): void {
      lock = value;
    },
    lock: () => lock,
    /** A word counts for the commit that it was learned with, and says nothing about another one. */
    get(name: 'system' | 'tests', generation: string): Word {
      const kept = memory[name];
      return working[name] ?? (kept.generation === generation ? kept : NOTHING);
    },
  };
}

/** A word as it goes on the wire: UTC without fractions, as the Go agent writes times. */
export function wireWord(word: Word): { status: string; message: string; checked_at: string } {
  return { status: word.status, message: word.message, checked_at: word.checkedAt.replace(/\.\d+Z$/, 'Z') };
}
