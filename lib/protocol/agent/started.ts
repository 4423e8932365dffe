import { z } from 'zod';
import { commandId, count } from './fields';

/** Protocol 3: the command was started (or, for `pid` null, taken up). */
export const startedSchema = z.object({
  command_id: commandId,
  pid: count.nullish().transform((value) => value ?? null),
});
