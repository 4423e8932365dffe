import { z } from 'zod';
import { commandId, text } from './fields';

/** The agent refused a command, usually because another one is running. */
export const commandRejectedSchema = z.object({
  reason: text(512),
  current_command: text(64),
  /** Protocol 3: the id of the command that was refused. */
  command_id: commandId.nullish().transform((value) => value ?? null),
  /** Protocol 3: the id of the command that is running instead. */
  current_command_id: commandId.nullish().transform((value) => value ?? null),
});
