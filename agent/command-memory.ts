/** Which commands this host has seen, and how they ended: on disk, so that no restart runs one twice or loses a result. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Log } from './log';
import { readStateFile, writeStateFile } from './state-file';
import { MAX_FINISHED_IDS } from '@/lib/protocol/agent/frame-limits';

/** Commands whose ids and results are remembered: `register` names all of those that are not acknowledged. */
export const MAX_REMEMBERED = MAX_FINISHED_IDS;

const resultSchema = z.object({
  status: z.enum(['ok', 'error', 'stopped', 'warning']),
  exitCode: z.number().nullable(),
  message: z.string(),
  generation: z.string(),
  restarting: z.boolean(),
  lastSeq: z.number(),
});
export type Result = z.infer<typeof resultSchema>;

const rememberedSchema = z.object({
  id: z.string(),
  command: z.string(),
  refused: z.boolean(),
  acknowledged: z.boolean(),
  result: resultSchema.nullable(),
});
export type Remembered = z.infer<typeof rememberedSchema>;

export function createCommandMemory(options: { stateDir: string; log: Log }) {
  const path = join(options.stateDir, 'commands.json');
  const commands = readStateFile(path, z.object({ commands: z.array(rememberedSchema) }))?.commands ?? [];

  function save(): boolean {
    commands.splice(0, Math.max(0, commands.length - MAX_REMEMBERED));
    try {
      writeStateFile(path, { commands });
      return true;
    } catch (error) {
      options.log.error(
        `${path} can't be written (${error instanceof Error ? error.message : 'unknown reason'}): free space or give the agent's user the right to write there`,
      );
      return false;
    }
  }

  return {
    find: (id: string): Remembered | undefined => commands.find((command) => command.id === id),
    /** False when it could not be written down; it is remembered until the process ends all the same. */
    add(command: Remembered): boolean {
      commands.push(command);
      return save();
    },
    /** Commands without an id, and those that were forgotten, have nothing to update. */
    update(id: string | null, change: Partial<Pick<Remembered, 'result' | 'acknowledged'>>): void {
      const command = commands.find((known) => known.id === id);
      if (command === undefined) return;
      Object.assign(command, change);
      save();
    },
    /** Those whose result nobody acknowledged. */
    untold: (): Remembered[] => commands.filter((command) => command.result !== null && !command.acknowledged),
  };
}
