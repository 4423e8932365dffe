import { z } from 'zod';
import { commandId } from './fields';

/** Run this command. */
export const commandSchema = z.object({
  command: z.string().max(64),
  id: commandId.optional(),
  target: commandId.optional(),
});
