/** The commands that this host knows, on disk: no restart runs one twice or loses a result. */
import { join } from 'node:path';
import { z } from 'zod';
import { createCommandMemory, type CommandMemory } from '@/lib/outbox/command-memory';
import type { AgentLog } from './log';
import { readStateFile, writeStateFile } from './state-file';
import { ROLLED_BACK_REASONS } from '@/lib/protocol/agent/confirmation';
import { REFUSED_REASONS } from '@/lib/protocol/agent/host-policy';
import { MAX_FINISHED_IDS } from '@/lib/protocol/agent/frame-limits';

/** `register` names every result that is not acknowledged, so no more than it may name are kept. */
const MAX_COMMANDS = MAX_FINISHED_IDS;

const resultSchema = z.object({
  status: z.enum(['ok', 'error', 'stopped', 'warning']),
  exitCode: z.number().nullable(),
  message: z.string(),
  generation: z.string(),
  restarting: z.boolean(),
  mayContinue: z.boolean().optional(),
  rolledBack: z.enum(ROLLED_BACK_REASONS).optional(),
  refusal: z.enum(REFUSED_REASONS).optional(),
  lastSeq: z.number(),
});

const commandsSchema = z.object({
  commands: z.array(
    z.object({
      id: z.string(),
      command: z.string(),
      refused: z.boolean(),
      acknowledged: z.boolean(),
      result: resultSchema.nullable(),
    }),
  ),
});

/** Reads `commands.json` of the state folder and keeps it up to date. A file that can't be written is logged. */
export function loadCommandMemory({ stateDir, log }: { stateDir: string; log: AgentLog }): CommandMemory {
  const path = join(stateDir, 'commands.json');
  return createCommandMemory({
    maxCommands: MAX_COMMANDS,
    commands: readStateFile(path, commandsSchema)?.commands,
    save(commands) {
      try {
        writeStateFile(path, { commands });
        return true;
      } catch (error) {
        log.error(
          `${path} can't be written (${error instanceof Error ? error.message : 'unknown reason'}): free disk space, or give the agent's user write access`,
        );
        return false;
      }
    },
  });
}
